"""Calm weeks judged beside fewer than 28 days: from how many on may a week page? Resumable counts.

python benchmarks/drift_short_weeks.py run [--worlds 50] [--first 66000000]
python benchmarks/drift_short_weeks.py

A world is a series of 84 calm days of 240 photos. It is cut into stretches of K accepted days and
the two weeks after them: neighbouring stretches share days. Counts of weeks with p <= .005 by world
go to `benchmarks/counts/short_weeks.json`; bounds are `drift_days.bound`'s.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from drift_days import CALM, DIMENSION, TERMINAL, Nights, bound
from drift_windows import CONDITIONS, LEVEL, NIGHTS, PHOTOS, p_values
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.simulated import World

BASELINES = (7, 14, 21)
DAYS, WEEKS = 84, 2
COUNTED = ("none", "both, .5", "mean 1%, .5", "tails t4")
FIRST = 66_000_000
COUNTS = Path(__file__).parent / "counts" / "short_weeks.json"


def counted(seed: int, condition: str) -> dict[str, list[int]]:
    """By length of the baseline: weeks with p <= .005, and weeks."""
    place = list(CONDITIONS).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, place))
    effects = nights.world.displacements(DAYS, nights.generator, nights.effects)
    days = [nights.sketch(PHOTOS, CALM, one) for one in effects]
    counts = {}
    for k in BASELINES:
        found: list[float] = []
        for start in range(0, DAYS - k - NIGHTS + 1, k + NIGHTS):
            after = [start + k + NIGHTS * week for week in range(WEEKS)]
            weeks = [days[one : one + NIGHTS] for one in after if one + NIGHTS <= DAYS]
            found += p_values(days[start : start + k], weeks, seed + start)
        counts[str(k)] = [sum(p <= LEVEL for p in found), len(found)]
    return counts


def run(worlds: int, first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    keys = [(seed, name) for seed in range(first, first + worlds) for name in COUNTED]
    missing = [(seed, name) for seed, name in keys if f"{seed}/{name}" not in counts]
    for seed, name in track(missing, "worlds", console=TERMINAL):
        counts[f"{seed}/{name}"] = counted(seed, name)
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("condition", *(f"beside {k} days" for k in BASELINES), title="calm weeks at .005")
    for name in (*COUNTED, "all"):
        cells = []
        for k in BASELINES:
            found = [v[str(k)] for key, v in counts.items() if name in {"all", key.split("/")[1]}]
            if not found:
                return
            calm = np.array(found)
            alarms, weeks = calm.sum(axis=0)
            cells.append(f"{alarms} of {weeks}: {alarms / weeks:.4f} (<= {bound(calm):.4f})")
        table.add_row(name, *cells)
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--first", type=int, default=FIRST)
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.first)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
