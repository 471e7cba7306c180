"""False alarms and power of the drift test where days differ without drift: resumable counts.

python benchmarks/drift_days.py run [--worlds 40] [--photos 240 1000] [--first 61000000]
python benchmarks/drift_days.py

A world is a random geometry. In each condition the test learns its geometry from a training set of
other days; 28 days are accepted, and nights are judged against the last 3, 7, 14 and 28 of them.
Counts of p_days by world go to `benchmarks/counts/days.json` as they come; the table bounds rates
by resampling worlds, because the nights of a world share its baseline.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift.days.drift_test import DriftTest
from mycovigil_statistics.drift.days.sketch import DaySketch
from mycovigil_statistics.simulated import DayEffects, Shift, World

DIMENSION = 128
LEVELS = (0.00067, 0.05)
BASELINES = (3, 7, 14, 28)
DAYS = max(BASELINES)
NIGHTS = 20
CONDITIONS = {
    "none": DayEffects(),
    "mean .2%": DayEffects(mean=0.002),
    "mean 1%": DayEffects(mean=0.01),
    "mean 3%": DayEffects(mean=0.03),
    "mixture 200": DayEffects(mixture=200),
    "mixture 50": DayEffects(mixture=50),
    "both": DayEffects(mean=0.005, mixture=100),
    "tails t4": DayEffects(mean=0.01, tails=4),
    "tails t6": DayEffects(mean=0.01, tails=6),
    "bursts": DayEffects(mean=0.005, burst=4),
}
CALM = Shift()
SHIFTS = {
    "calm": CALM,
    "new 10%": Shift(novel=0.10),
    "new 20%": Shift(novel=0.20),
    "mean .06": Shift(mean=0.06),
    "prior": Shift(prior=0.10),
}
FIRST = 61_000_000
COUNTS = Path(__file__).parent / "counts" / "days.json"
RESAMPLED = 2_000
TERMINAL = Console(stderr=True)


class Days:
    """One condition of one world: how its days look to a test that learned from others."""

    def __init__(self, world: World, effects: DayEffects, photos: int, seed: Sequence[int]) -> None:
        self._world, self._effects, self._photos = world, effects, photos
        self._generator = np.random.default_rng(seed)
        drawn = [world.draw_day(100, self._generator, effects) for _ in range(DAYS)]
        features = np.vstack([features for features, _ in drawn])
        groups = [(day, one) for day, (_, specimens) in enumerate(drawn) for one in specimens]
        self.test = DriftTest.fit(features, world.probabilities(features), groups=groups, seed=1)

    def sketch(self, shift: Shift) -> DaySketch:
        features, groups = self._world.draw_day(self._photos, self._generator, self._effects, shift)
        return self.test.sketch(features, self._world.probabilities(features), groups=groups)


def p_values(seed: int, condition: str, photos: int) -> dict[str, dict[str, list[float]]]:
    """p_days by length of the baseline and shift."""
    world = World.random(seed, DIMENSION)
    place = list(CONDITIONS).index(condition)
    days = Days(world, CONDITIONS[condition], photos, (seed, place, photos))
    baseline = [days.sketch(CALM) for _ in range(DAYS)]
    nights = {name: [days.sketch(shift) for _ in range(NIGHTS)] for name, shift in SHIFTS.items()}
    return {
        str(k): {
            name: [float(days.test.judge_days([n], baseline=baseline[-k:]).p_days or 0) for n in ns]
            for name, ns in nights.items()
        }
        for k in BASELINES
    }


def run(worlds: int, photos: Sequence[int], first: int) -> None:
    counts: dict[str, Any] = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    missing = [
        (seed, condition, size)
        for seed in range(first, first + worlds)
        for size in photos
        for condition in CONDITIONS
        if f"{seed}/{size}/{condition}" not in counts
    ]
    for seed, condition, size in track(missing, "worlds", console=TERMINAL):
        found = p_values(seed, condition, size)
        counts[f"{seed}/{size}/{condition}"] = {
            k: {
                name: [sum(p <= level for p in ps) for level in LEVELS] + [len(ps)]
                for name, ps in by_shift.items()
            }
            for k, by_shift in found.items()
        }
        COUNTS.write_text(json.dumps(counts, sort_keys=True))


def cells(counts: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    sizes = sorted({int(key.split("/")[1]) for key in counts})
    return (
        (k, size, name) for k in BASELINES for size in sizes for name in ("pooled", *CONDITIONS)
    )


def rates(counts: dict[str, Any], k: int, photos: int, condition: str, shift: str) -> Any:
    """(worlds, 3): nights with p <= each level, and nights; conditions of a world are pooled."""
    worlds: dict[str, np.ndarray[Any, Any]] = {}
    for key, found in counts.items():
        seed, size, name = key.split("/")
        if int(size) == photos and condition in {"pooled", name}:
            worlds[seed] = worlds.get(seed, np.zeros(3)) + np.array(found[str(k)][shift])
    return np.array(list(worlds.values()))


def bound(found: Any, column: int, generator: np.random.Generator) -> float:
    """Upper 95% bound of a rate, worlds resampled."""
    drawn = found[generator.integers(0, len(found), (RESAMPLED, len(found)))].sum(axis=1)
    return float(np.quantile(drawn[:, column] / drawn[:, 2], 0.95))


def show(counts: dict[str, Any]) -> None:
    generator = np.random.default_rng(0)
    table = Table("days", "photos", "condition", "worlds", "at .00067", "at .05", *list(SHIFTS)[1:])
    for k, photos, condition in cells(counts):
        calm = rates(counts, k, photos, condition, "calm")
        if not len(calm):
            continue
        total = calm.sum(axis=0)
        alarms = [
            f"{total[i] / total[2]:.4f} (<= {bound(calm, i, generator):.4f})"
            for i in range(len(LEVELS))
        ]
        power = []
        for name in list(SHIFTS)[1:]:
            found = rates(counts, k, photos, condition, name).sum(axis=0)
            power.append(f"{found[0] / found[2]:.2f}")
        table.add_row(str(k), str(photos), condition, str(len(calm)), *alarms, *power)
    Console(width=150).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "show"], default="show")
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--photos", type=int, nargs="+", default=[240, 1_000])
    parser.add_argument("--first", type=int, default=FIRST)
    given = parser.parse_args()
    if given.action == "run":
        run(given.worlds, given.photos, given.first)
    show(json.loads(COUNTS.read_text()))


if __name__ == "__main__":
    main()
