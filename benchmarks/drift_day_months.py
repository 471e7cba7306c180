"""Calm months whose days differ: how many page? Resumable counts.

python benchmarks/drift_day_months.py run [--months 500] [--first 64000000]
python benchmarks/drift_day_months.py

A month has a world and a condition of its own (in turn), 28 accepted days and 30 nights of 240
photos, of one autoregressive series of day effects. Nights and weeks are judged at their levels,
and every night the photos of each predicted class, by sketches of their own, at theirs: half of the
budget belongs to the slices. Counts of p_days alone, which is more than pages. They go to
`benchmarks/counts/day_months.json`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from drift_days import CALM, DIMENSION, TERMINAL, Nights
from drift_windows import CONDITIONS, p_values
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift import DaySketch, judge_days
from mycovigil_statistics.drift.budget import WEEK, MonthlyBudget
from mycovigil_statistics.errors import InsufficientRows
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.simulated import World

DAYS, NIGHTS, PHOTOS, CLASSES = 28, 30, 240, 4
LEAST_SLICE = 10
FIRST = 64_000_000
COUNTS = Path(__file__).parent / "counts" / "day_months.json"
Sketches = dict[int, DaySketch]


def sketched(nights: Nights, displacement: Any) -> tuple[DaySketch, Sketches]:
    """A night, and each predicted class of at least ten photos in it."""
    world = nights.world
    rows, _ = world.draw_day(PHOTOS, nights.generator, nights.effects, CALM, displacement)
    probabilities = world.probabilities(rows)
    whole = nights.features.sketch(rows).joined(nights.predictions.sketch(probabilities))
    parts = [rows[probabilities.argmax(axis=1) == number] for number in range(CLASSES)]
    enough = {n: part for n, part in enumerate(parts) if len(part) >= LEAST_SLICE}
    return whole, {n: nights.features.sketch(part) for n, part in enough.items()}


def slice_p_value(number: int, night: Sketches, days: list[Sketches]) -> float:
    """Of a predicted class beside the days that have it; 1 where these are too few."""
    if number not in night:
        return 1.0
    try:
        known = [day[number] for day in days if number in day]
        return judge_days([night[number]], baseline=known).p_value
    except InsufficientRows:
        return 1.0


def pages(seed: int) -> dict[str, int]:
    """Whether the month's nights, weeks and slices page."""
    effects = list(CONDITIONS.values())[seed % len(CONDITIONS)]
    nights = Nights.of(World.random(seed, DIMENSION), effects, (seed, 1))
    series = nights.world.displacements(DAYS + NIGHTS, nights.generator, effects)
    drawn = [sketched(nights, one) for one in series]
    whole, parts = [one for one, _ in drawn], [one for _, one in drawn]
    baseline, tonight = whole[:DAYS], whole[DAYS:]
    budget = MonthlyBudget(days=NIGHTS, total=0.05)
    level, slice_level = budget.level(1, 1), budget.level(1, 1) / CLASSES
    weeks = [tonight[end - WEEK : end] for end in range(WEEK, NIGHTS + 1, WEEK)]
    return {
        "nights": any(judge_days([n], baseline=baseline).p_value <= level for n in tonight),
        "weeks": any(p <= budget.level(WEEK, WEEK) for p in p_values(baseline, weeks, seed)),
        "slices": any(
            slice_p_value(number, night, parts[:DAYS]) <= slice_level
            for night in parts[DAYS:]
            for number in range(CLASSES)
        ),
    }


def run(months: int, first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    missing = [seed for seed in range(first, first + months) if str(seed) not in counts]
    for seed in track(missing, "months", console=TERMINAL):
        counts[str(seed)] = {kind: int(paged) for kind, paged in pages(seed).items()}
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("condition", "months", "nights", "weeks", "slices", "any", "95% interval")
    for place, name in enumerate([*CONDITIONS, "all"]):
        found = [
            one
            for seed, one in counts.items()
            if name == "all" or int(seed) % len(CONDITIONS) == place
        ]
        if not found:
            continue
        paged = np.array([[one[kind] for kind in ("nights", "weeks", "slices")] for one in found])
        bounds = interval(int(paged.any(axis=1).sum()), len(found))
        rates = (f"{rate:.3f}" for rate in (*paged.mean(axis=0), bounds.estimate))
        table.add_row(name, str(len(found)), *rates, f"{bounds.low:.3f} to {bounds.high:.3f}")
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--months", type=int, default=500)
    parser.add_argument("--first", type=int, default=FIRST)
    given = parser.parse_args()
    if given.action == "run":
        run(given.months, given.first)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
