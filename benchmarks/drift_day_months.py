"""Calm months whose days differ: how many page? Resumable counts.

python benchmarks/drift_day_months.py run [--months 500] [--first 64000000]
python benchmarks/drift_day_months.py

A month has a world and a condition of its own (in turn), 28 accepted days and 30 nights of 240
photos, of one autoregressive series of day effects. As the worker does, nights, weeks and every
night's predicted classes are judged at their levels, classes by sketches of their own. Counts of
p_days alone, which is more than pages. They go to `benchmarks/counts/day_months.json`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from drift_days import CALM, DIMENSION, TERMINAL, Nights, night_p_values
from drift_windows import CONDITIONS, p_values
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil.settings import DriftSettings
from mycovigil_statistics.drift import DaySketch
from mycovigil_statistics.drift.budget import WEEK
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import World
from mycovigil_worker.days.predicted_classes import LEAST_DAYS, LEAST_UNITS, VIEWS
from mycovigil_worker.nights.levels import levels_of, nightly_level

DAYS, NIGHTS, PHOTOS, CLASSES = 28, 30, 240, 4
FIRST = 64_000_000
COUNTS = Path(__file__).parent / "counts" / "day_months.json"
Parts = dict[int, DaySketch]


def sketched(nights: Nights, rows: FloatArray) -> tuple[DaySketch, Parts]:
    """A night, and each predicted class of at least ten photos in it."""
    probabilities = nights.world.probabilities(rows)
    whole = nights.features.sketch(rows).joined(nights.predictions.sketch(probabilities))
    parts = [rows[probabilities.argmax(axis=1) == number] for number in range(CLASSES)]
    enough = {n: part for n, part in enumerate(parts) if len(part) >= LEAST_UNITS}
    return whole, {n: nights.features.sketch(part).only(*VIEWS) for n, part in enough.items()}


def class_p_values(days: Sequence[Parts], nights: Sequence[Parts]) -> list[float]:
    """Of each night: the smallest of its predicted classes' p-values, times their number, which is
    Holm's first; 1 where no class is in enough of the days."""
    smallest = [1.0] * len(nights)
    for number in range(CLASSES):
        known = [day[number] for day in days if number in day]
        having = [place for place, night in enumerate(nights) if number in night]
        if len(known) >= LEAST_DAYS:
            found = night_p_values(known, [nights[place][number] for place in having])
            for place, p_value in zip(having, found, strict=True):
                smallest[place] = min(smallest[place], CLASSES * p_value)
    return smallest


def pages(seed: int) -> dict[str, bool]:
    """Whether the month's nights, weeks and predicted classes page."""
    effects = list(CONDITIONS.values())[seed % len(CONDITIONS)]
    nights = Nights.of(World.random(seed, DIMENSION), effects, (seed, 1))
    series = nights.world.displacements(DAYS + NIGHTS, nights.generator, effects)
    drawn = [
        sketched(nights, nights.world.draw_day(PHOTOS, nights.generator, effects, CALM, one)[0])
        for one in series
    ]
    whole, parts = [one for one, _ in drawn], [one for _, one in drawn]
    baseline, tonight = whole[:DAYS], whole[DAYS:]
    settings = DriftSettings()
    level, week_level = nightly_level(settings), levels_of(WEEK - 1, settings)[WEEK]
    weeks = [tonight[end - WEEK : end] for end in range(WEEK, NIGHTS + 1, WEEK)]
    return {
        "nights": min(night_p_values(baseline, tonight)) <= level,
        "weeks": min(p_values(baseline, weeks, seed)) <= week_level,
        "slices": min(class_p_values(parts[:DAYS], parts[DAYS:])) <= level,
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
