"""False alarms and power of the drift test where days differ without drift: resumable counts.

python benchmarks/drift_days.py run [--worlds 100] [--first 69500000] [--conditions both …]
    [--photos 240 …]
python benchmarks/drift_days.py power [--worlds 60] [--first 68500000]
python benchmarks/drift_days.py

A world is a random geometry. In each condition the test learns from a training set of other days;
56 days are sketched. Blocks of 3, 7, 14 and 28 of them are baselines, other days are calm nights
beside them, and nights with a shift are drawn besides. Counts of p_days by world go to
`benchmarks/counts/days.json` as they come; the table bounds rates by resampling worlds, because the
nights of a world share their days. Some conditions or sizes can be counted in more worlds; what is
pooled is of worlds that have all of a cell's conditions. `power` counts nights of each shift in
three cells, five a world beside a baseline of its own, in `benchmarks/counts/days_power.json`.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics.drift import DaySketch, FeatureGeometry, PredictionGeometry
from mycovigil_statistics.drift.days.prediction import view_baselines
from mycovigil_statistics.drift.days.result import combined
from mycovigil_statistics.safety.proportions import upper_bound
from mycovigil_statistics.sample import FloatArray, IntArray
from mycovigil_statistics.simulated import DayEffects, Shift, World

DIMENSION = 128
LEVELS = (0.00067, 0.05)
TRAINING_DAYS, TRAINING_PHOTOS = 28, 100
# Calm nights beside a baseline of a week or less, and nights of each shift.
NIGHTS, SHIFTED = 8, 4
# Sizes and baselines in every condition, and those in two more.
PHOTOS, BASELINES = (240, 1_000), (3, 7, 28)
POOL = 2 * max(BASELINES)
MORE_PHOTOS, MORE_DAYS, MORE_IN = 5_000, 14, ("none", "both")
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
POWER_CELLS = (("none", 28, 1_000), ("both", 28, 1_000), ("none", 3, 240))
POWER_NIGHTS = 5
FIRST, FIRST_OF_POWER = 69_500_000, 68_500_000
COUNTS = Path(__file__).parent / "counts" / "days.json"
POWER_COUNTS = COUNTS.with_name("days_power.json")
RESAMPLED = 2_000
TERMINAL = Console(stderr=True)


@dataclass(frozen=True, slots=True, eq=False)
class Nights:
    """One condition of one world: its training set's geometry, and how its days are drawn."""

    world: World
    effects: DayEffects
    generator: np.random.Generator
    features: FeatureGeometry
    predictions: PredictionGeometry

    @classmethod
    def of(cls, world: World, effects: DayEffects, seed: Sequence[int]) -> "Nights":
        generator = np.random.default_rng(seed)
        days = [
            world.draw_day(TRAINING_PHOTOS, generator, effects)[0] for _ in range(TRAINING_DAYS)
        ]
        rows = np.vstack(days)
        predictions = PredictionGeometry.fit(world.probabilities(rows))
        return cls(world, effects, generator, FeatureGeometry.fit(rows, seed=1), predictions)

    def sketch(
        self, photos: int, shift: Shift = CALM, displacement: FloatArray | None = None
    ) -> DaySketch:
        rows, specimens = self.world.draw_day(
            photos, self.generator, self.effects, shift, displacement
        )
        groups = specimens if self.effects.burst > 1 else None
        answers = self.predictions.sketch(self.world.probabilities(rows), groups=groups)
        return self.features.sketch(rows, groups=groups).joined(answers)


def sketches(nights: Nights, photos: int) -> dict[str, list[DaySketch]]:
    """A pool of calm days, and some nights of each shift."""
    counts = {name: POOL if shift is CALM else SHIFTED for name, shift in SHIFTS.items()}
    return {n: [nights.sketch(photos, SHIFTS[n]) for _ in range(c)] for n, c in counts.items()}


def pairs(found: dict[str, list[DaySketch]], k: int) -> Iterator[tuple[str, int, DaySketch]]:
    """(shift, start of the baseline, night) for each comparison with k days."""
    pool = found["calm"]
    starts = range(0, POOL - k + 1, k)
    for start in starts:
        yield from (("calm", start, pool[(start + k + i) % POOL]) for i in range(max(NIGHTS, k)))
    for name in list(SHIFTS)[1:]:
        yield from ((name, starts[i % len(starts)], n) for i, n in enumerate(found[name]))


def counted(
    found: dict[str, list[DaySketch]], baselines: tuple[int, ...]
) -> dict[str, dict[str, list[int]]]:
    """By length of the baseline and shift: nights with p_days <= each level, and nights."""
    counts: dict[str, dict[str, list[int]]] = {}
    for k in baselines:
        p_values: dict[str, list[float]] = {name: [] for name in SHIFTS}
        nights: dict[int, list[tuple[str, DaySketch]]] = {}
        for name, start, night in pairs(found, k):
            nights.setdefault(start, []).append((name, night))
        for start, those in nights.items():
            baseline = found["calm"][start : start + k]
            ps = night_p_values(baseline, [night for _, night in those])
            for (name, _), p in zip(those, ps, strict=True):
                p_values[name].append(p)
        counts[str(k)] = {
            name: [sum(p <= level for p in ps) for level in LEVELS] + [len(ps)]
            for name, ps in p_values.items()
        }
    return counts


def night_p_values(baseline: Sequence[DaySketch], nights: Iterable[DaySketch]) -> list[float]:
    """p_days of each night as `judge_days` has it; what the baseline says is learned once."""
    views = view_baselines(dict.fromkeys(sorted(baseline[0].views), baseline))
    known = [(view, view.night) for view in views]
    found = [[v.compared([night.views[v.name]], null) for v, null in known] for night in nights]
    return [combined(compared) or 0.0 for compared in found]


def sizes(condition: str) -> tuple[int, ...]:
    return (*PHOTOS, MORE_PHOTOS) if condition in MORE_IN else PHOTOS


def run(seeds: range, conditions: Sequence[str], photos: Sequence[int], path: Path) -> None:
    counts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    missing = [
        (seed, condition, size)
        for seed in seeds
        for condition in conditions
        for size in sizes(condition)
        if size in photos and f"{seed}/{size}/{condition}" not in counts
    ]
    for seed, condition, size in track(missing, "worlds", console=TERMINAL):
        world, place = World.random(seed, DIMENSION), list(CONDITIONS).index(condition)
        nights = Nights.of(world, CONDITIONS[condition], (seed, place, size))
        baselines = (*BASELINES, MORE_DAYS) if condition in MORE_IN else BASELINES
        counts[f"{seed}/{size}/{condition}"] = counted(sketches(nights, size), baselines)
        path.write_text(json.dumps(counts, sort_keys=True))


def add_power(worlds: int, first: int, path: Path) -> None:
    counts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    missing = [seed for seed in range(first, first + worlds) if str(seed) not in counts]
    for seed in track(missing, "worlds", console=TERMINAL):
        counts[str(seed)] = {
            f"{condition}, {k} days, {photos} photos": found_in(seed, condition, k, photos)
            for condition, k, photos in POWER_CELLS
        }
        path.write_text(json.dumps(counts, sort_keys=True))


def found_in(seed: int, condition: str, k: int, photos: int) -> dict[str, list[int]]:
    """By shift: nights with p_days <= .00067, and nights."""
    place = list(CONDITIONS).index(condition)
    nights = Nights.of(World.random(seed, DIMENSION), CONDITIONS[condition], (seed, place, photos))
    baseline = [nights.sketch(photos) for _ in range(k)]
    counts = {}
    for name in list(SHIFTS)[1:]:
        drawn = [nights.sketch(photos, SHIFTS[name]) for _ in range(POWER_NIGHTS)]
        p_values = night_p_values(baseline, drawn)
        counts[name] = [sum(p <= LEVELS[0] for p in p_values), len(p_values)]
    return counts


def show_power(counts: dict[str, Any]) -> None:
    names = list(SHIFTS)[1:]
    table = Table("cell", "nights", *names, title="found at .00067")
    for cell in next(iter(counts.values())):
        totals = np.sum([[one[cell][n] for n in names] for one in counts.values()], axis=0)
        table.add_row(cell, str(totals[0][1]), *(f"{found / n:.3f}" for found, n in totals))
    Console(width=120).print(table)


def cells(counts: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    sizes = sorted({int(key.split("/")[1]) for key in counts})
    lengths = sorted((*BASELINES, MORE_DAYS))
    return ((k, size, name) for k in lengths for size in sizes for name in ("pooled", *CONDITIONS))


def rates(counts: dict[str, Any], k: int, photos: int, condition: str, shift: str) -> Any:
    """(worlds, 3): nights with p <= each level, and nights; the conditions of a world are pooled,
    where it has all of those that the cell has."""
    cell: dict[str, dict[str, Any]] = {}
    for key, found in counts.items():
        seed, size, name = key.split("/")
        if int(size) == photos and str(k) in found:
            cell.setdefault(seed, {})[name] = found[str(k)][shift]
    wanted = {name for world in cell.values() for name in world}
    wanted &= wanted if condition == "pooled" else {condition}
    whole = [world for world in cell.values() if wanted and wanted <= world.keys()]
    return np.array([np.sum([world[name] for name in wanted], axis=0) for world in whole])


def bound(found: IntArray, column: int = 0) -> float:
    """Upper 95% bound of a rate: of `column` over the last one, in (worlds, columns) counts.

    The larger of what resampled worlds say, whose nights share days, and Clopper and Pearson's.
    """
    generator = np.random.default_rng(0)
    drawn = found[generator.integers(0, len(found), (RESAMPLED, len(found)))].sum(axis=1)
    alarms, nights = found.sum(axis=0)[[column, -1]]
    resampled = float(np.quantile(drawn[:, column] / drawn[:, -1], 0.95))
    return max(resampled, upper_bound(int(alarms), int(nights)))


def show(counts: dict[str, Any]) -> None:
    table = Table("days", "photos", "condition", "worlds", "at .00067", "at .05", *list(SHIFTS)[1:])
    for k, photos, condition in cells(counts):
        calm = rates(counts, k, photos, condition, "calm")
        if not len(calm):
            continue
        total = calm.sum(axis=0)
        alarms = [
            f"{total[i] / total[2]:.4f} (<= {bound(calm, i):.4f})" for i in range(len(LEVELS))
        ]
        power = []
        for name in list(SHIFTS)[1:]:
            found = rates(counts, k, photos, condition, name).sum(axis=0)
            power.append(f"{found[0] / found[2]:.2f}")
        table.add_row(str(k), str(photos), condition, str(len(calm)), *alarms, *power)
    Console(width=150).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "power", "show"], default="show")
    parser.add_argument("--worlds", type=int)
    parser.add_argument("--first", type=int)
    parser.add_argument("--conditions", nargs="+", choices=list(CONDITIONS), default=[*CONDITIONS])
    parser.add_argument("--photos", nargs="+", type=int, default=[*PHOTOS, MORE_PHOTOS])
    given = parser.parse_args()
    if given.action == "run":
        first = given.first or FIRST
        seeds = range(first, first + (given.worlds or 100))
        run(seeds, given.conditions, given.photos, COUNTS)
    if given.action == "power":
        add_power(given.worlds or 60, given.first or FIRST_OF_POWER, POWER_COUNTS)
    if COUNTS.exists():
        show(json.loads(COUNTS.read_text()))
    if POWER_COUNTS.exists():
        show_power(json.loads(POWER_COUNTS.read_text()))


if __name__ == "__main__":
    main()
