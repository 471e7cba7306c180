"""Weeks judged beside 28 days, where neighbouring days resemble each other: resumable counts.

python benchmarks/drift_windows.py run [--worlds 100] [--first 68000000] [--conditions none …]
python benchmarks/drift_windows.py

A world is a series of days of 240 photos: 28 accepted ones, then eight calm weeks, then a week of
each shift, all of one autoregressive series of day effects. Counts of weeks with p <= .005 by world
go to `benchmarks/counts/windows.json`; bounds are 95%
ones (`drift_days.bound`).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from drift_days import CALM, DIMENSION, TERMINAL, Nights, bound
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift import DaySketch
from mycovigil_statistics.drift.days.prediction import DayView, view_baselines
from mycovigil_statistics.drift.days.result import combined
from mycovigil_statistics.drift.days.window import autocorrelations
from mycovigil_statistics.safety.proportions import lower_bound
from mycovigil_statistics.simulated import DayEffects, Shift, World

LEVEL = 0.005
DAYS, NIGHTS, CALM_WEEKS, PHOTOS = 28, 7, 8, 240
CONDITIONS = {
    "none": DayEffects(),
    "mean 1%": DayEffects(mean=0.01),
    "mean 1%, .3": DayEffects(mean=0.01, correlation=0.3),
    "mean .2%, .5": DayEffects(mean=0.002, correlation=0.5),
    "mean 1%, .5": DayEffects(mean=0.01, correlation=0.5),
    "mean 3%, .5": DayEffects(mean=0.03, correlation=0.5),
    "both, .5": DayEffects(mean=0.005, mixture=100, correlation=0.5),
    "mixture 50": DayEffects(mixture=50),
    "tails t4": DayEffects(mean=0.01, tails=4),
}
# Calm months (`drift_day_months.py`) take the conditions above in turn.
COUNTED = CONDITIONS | {"mean 3%": DayEffects(mean=0.03)}
SHIFTS = {"new 5%": Shift(novel=0.05), "mean .03": Shift(mean=0.03), "prior": Shift(prior=0.10)}
FIRST = 68_000_000
COUNTS = Path(__file__).parent / "counts" / "windows.json"


def sketched(
    nights: Nights, photos: int
) -> tuple[list[DaySketch], list[tuple[str, list[DaySketch]]]]:
    """The accepted days, and the weeks after them by shift."""
    kinds = ["calm"] * CALM_WEEKS + list(SHIFTS)
    days = DAYS + NIGHTS * len(kinds)
    effects = nights.world.displacements(days, nights.generator, nights.effects)
    shifts = [CALM] * DAYS + [SHIFTS.get(kind, CALM) for kind in kinds for _ in range(NIGHTS)]
    drawn = [nights.sketch(photos, *one) for one in zip(shifts, effects, strict=True)]
    starts = range(DAYS, days, NIGHTS)
    weeks = [(k, drawn[start : start + NIGHTS]) for k, start in zip(kinds, starts, strict=True)]
    return drawn[:DAYS], weeks


def counted(seed: int, condition: str) -> dict[str, list[int]]:
    """By shift: weeks with p <= .005, and weeks."""
    place = list(COUNTED).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), COUNTED[condition], (seed, place))
    baseline, weeks = sketched(nights, PHOTOS)
    counts = {kind: [0, 0] for kind, _ in weeks}
    for (kind, _), p_value in zip(
        weeks, p_values(baseline, [w for _, w in weeks], seed), strict=True
    ):
        counts[kind][0] += p_value <= LEVEL
        counts[kind][1] += 1
    return counts


def p_values(baseline: list[DaySketch], weeks: list[list[DaySketch]], seed: int) -> list[float]:
    """As `judge_days`, but the series of all weeks are drawn once: they have the same units."""
    generator = np.random.default_rng(seed)
    views = view_baselines(dict.fromkeys(sorted(baseline[0].views), baseline))
    correlations = autocorrelations([view.baseline for view in views])
    found: list[list[DayView]] = [[] for _ in weeks]
    for view, correlation in zip(views, correlations, strict=True):
        nights = [[night.views[view.name] for night in week] for week in weeks]
        null = view.window(nights[0], correlation, generator)
        for compared, one in zip(found, nights, strict=True):
            compared.append(view.compared(one, null))
    return [combined(compared) or 0.0 for compared in found]


def run(worlds: int, first: int, conditions: Sequence[str], path: Path) -> None:
    counts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    keys = [(seed, name) for seed in range(first, first + worlds) for name in conditions]
    missing = [(seed, name) for seed, name in keys if f"{seed}/{name}" not in counts]
    for seed, name in track(missing, "worlds", console=TERMINAL):
        counts[f"{seed}/{name}"] = counted(seed, name)
        path.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("condition", "alarms at .005", *SHIFTS, title="weeks beside 28 days")
    for name in (*COUNTED, "all"):
        found = [one for key, one in counts.items() if name in {"all", key.partition("/")[2]}]
        if not found:
            continue
        calm = np.array([one["calm"] for one in found])
        alarms, weeks = calm.sum(axis=0)
        power = [np.sum([one[shift] for one in found], axis=0) for shift in SHIFTS]
        cells = [f"{a} of {w} (>= {lower_bound(int(a), int(w)):.3f})" for a, w in power]
        calm_cell = f"{alarms} of {weeks}: {alarms / weeks:.4f} (<= {bound(calm):.4f})"
        table.add_row(name, calm_cell, *cells)
    Console(width=130).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--conditions", nargs="+", choices=list(COUNTED), default=[*COUNTED])
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.first, given.conditions, COUNTS)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
