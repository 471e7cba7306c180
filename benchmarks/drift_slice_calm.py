"""Calm nights whose predicted classes page by sketches of their own, by days in the baseline.

python benchmarks/drift_slice_calm.py run [--worlds 40] [--first 67500000]
python benchmarks/drift_slice_calm.py

A world is 28 accepted days and 28 calm nights, each with its predicted classes of at least ten
photos. Counts of nights in which a class has p_days <= a quarter of each level, by the last K days
of the baseline, go to `benchmarks/counts/slice_calm.json`; bounds are `drift_days.bound`'s.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from drift_day_months import class_p_values, sketched
from drift_days import CALM, DIMENSION, TERMINAL, Nights, bound
from drift_slice_power import drawn
from drift_windows import CONDITIONS
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.simulated import World

COUNTED = ("none", "mean 1%", "mixture 50", "both, .5", "tails t4")
BASELINES, DAYS, PHOTOS = (7, 14, 28), 28, 240
LEVELS = (0.00067, 0.01)
FIRST = 67_500_000
COUNTS = Path(__file__).parent / "counts" / "slice_calm.json"


def counted(seed: int, condition: str) -> dict[str, list[int]]:
    """By length of the baseline: nights that page at each level, and nights."""
    place = list(CONDITIONS).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, place))
    parts = [sketched(nights, drawn(nights, PHOTOS, CALM, 0))[1] for _ in range(2 * DAYS)]
    counts = {}
    for k in BASELINES:
        found = class_p_values(parts[DAYS - k : DAYS], parts[DAYS:])
        counts[str(k)] = [sum(p <= level for p in found) for level in LEVELS] + [len(found)]
    return counts


def run(worlds: int, first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    keys = [(seed, name) for seed in range(first, first + worlds) for name in COUNTED]
    missing = [(seed, name) for seed, name in keys if f"{seed}/{name}" not in counts]
    for seed, name in track(missing, "worlds", console=TERMINAL):
        counts[f"{seed}/{name}"] = counted(seed, name)
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("days", "nights", *(f"a class pages at {level}" for level in LEVELS))
    for k in BASELINES:
        found = np.array([one[str(k)] for one in counts.values()])
        total = found.sum(axis=0)
        cells = [
            f"{total[i]}: {total[i] / total[2]:.4f} (<= {bound(found, i):.4f})"
            for i in range(len(LEVELS))
        ]
        table.add_row(str(k), str(total[2]), *cells)
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--first", type=int, default=FIRST)
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.first)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
