"""Drifts of one predicted class: found by the night at the whole level, or by its own sketches?

python benchmarks/drift_slice_power.py run [--worlds 40] [--first 67000000]
python benchmarks/drift_slice_power.py

A world has 28 accepted days. Of its nights one predicted class alone drifts: its photos are taken
from a shifted night. Found: by the night at the whole nightly level (.00133, which it has where no
slice pages), by the night at half of it, or by one of the four classes at the other half.
Counts by world go to `benchmarks/counts/slice_power.json`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from drift_day_months import CLASSES, DAYS, class_p_values, sketched
from drift_days import CALM, DIMENSION, TERMINAL, Nights, night_p_values
from drift_windows import CONDITIONS
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift.budget import MonthlyBudget
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import Shift, World

COUNTED = ("none", "mean 1%", "mixture 50")
PHOTOS = (240, 1_000)
SHIFTS = {
    "calm": CALM,
    "new 20%": Shift(novel=0.20),
    "new 40%": Shift(novel=0.40),
    "mean .10": Shift(mean=0.10),
    "mean .15": Shift(mean=0.15),
}
LEVEL = MonthlyBudget().level(1, 1)
WAYS = ("night, whole level", "night, half", "a class, half", "either, half")
FIRST = 67_000_000
COUNTS = Path(__file__).parent / "counts" / "slice_power.json"


def drawn(nights: Nights, photos: int, shift: Shift, number: int) -> FloatArray:
    """A night of which the class ``number`` alone drifted, in as many photos as it has."""
    calm, _ = nights.world.draw_day(photos, nights.generator, nights.effects)
    if shift is CALM:
        return calm
    moved, _ = nights.world.draw_day(4 * photos, nights.generator, nights.effects, shift)
    mine = nights.world.probabilities(calm).argmax(axis=1) == number
    other = moved[nights.world.probabilities(moved).argmax(axis=1) == number][: mine.sum()]
    return np.vstack([calm[~mine], other])


def counted(seed: int, condition: str, photos: int) -> dict[str, list[int]]:
    """By shift: nights found in each way, and nights."""
    place = list(CONDITIONS).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, place, photos))
    days = [sketched(nights, drawn(nights, photos, CALM, 0)) for _ in range(DAYS)]
    baseline, parts = [one for one, _ in days], [one for _, one in days]
    counts = {}
    for name, shift in SHIFTS.items():
        drifted = [sketched(nights, drawn(nights, photos, shift, n)) for n in range(CLASSES)]
        p_nights = night_p_values(baseline, [whole for whole, _ in drifted])
        p_classes = class_p_values(parts, [own for _, own in drifted])
        found = []
        for p_night, p_class in zip(p_nights, p_classes, strict=True):
            night, one = p_night <= LEVEL / 2, p_class <= LEVEL / 2
            found.append([p_night <= LEVEL, night, one, night or one, True])
        counts[name] = np.sum(found, axis=0).tolist()
    return counts


def run(worlds: int, first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    keys = [
        (seed, name, photos)
        for seed in range(first, first + worlds)
        for name in COUNTED
        for photos in PHOTOS
    ]
    missing = [key for key in keys if "/".join(map(str, key)) not in counts]
    for key in track(missing, "worlds", console=TERMINAL):
        counts["/".join(map(str, key))] = counted(*key)
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def show(counts: dict[str, Any]) -> None:
    table = Table("condition", "photos", "one class drifts", "nights", *WAYS)
    for name in COUNTED:
        for photos in PHOTOS:
            found = [v for k, v in counts.items() if k.split("/")[1:] == [name, str(photos)]]
            for shift in SHIFTS if found else ():
                *ways, total = np.sum([one[shift] for one in found], axis=0)
                rates = (f"{way / total:.3f}" for way in ways)
                table.add_row(name, str(photos), shift, str(total), *rates)
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
