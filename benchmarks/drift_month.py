"""Months of nights under one false-alarm budget: pages in calm months, slow drift found in others.

python benchmarks/drift_month.py calm [--months 1000]
python benchmarks/drift_month.py persistent growing [--months 100]
python benchmarks/drift_month.py

Every month has a world and a reference of its own. A calm month has nights of 20 to 5,000 photos
against 1,000 reference rows. delta is the mean shift that one night of 200 finds with a chance of
.8 at the level .05 against 10,000 reference rows; `persistent` moves every night by .316 delta (a
tenth of the squared distance), `growing` from 0 to .5 delta. As in the product, a window is judged
by at most 5,000 of its rows. Counts go to `benchmarks/counts/months.json` as they come; a run that
was cut short goes on where it stopped.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics import FittedReference, fit, judge
from mycovigil_statistics.drift.budget import MonthlyBudget
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import Shift, World

DAYS = 30
LEAST_ROWS, MOST_ROWS = 30, 5_000
NIGHT = 200
LENGTHS = (0.01, 0.02, 0.03, 0.045, 0.06, 0.08)
DELTA_SEED, DELTA_RUNS = 7_900_000, 40
COUNTS = Path(__file__).parent / "counts" / "months.json"
TERMINAL = Console(stderr=True)
Counts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of month: its reference, dimension, first seed, and shift in units of delta by day."""

    reference: int
    dimension: int
    seed: int
    shift: Callable[[int], float]

    @property
    def is_calm(self) -> bool:
        return self.shift(DAYS) == 0


KINDS = {
    "calm": Kind(1_000, 16, 7_000_000, lambda _: 0.0),
    "persistent": Kind(10_000, 64, 7_100_000, lambda _: 0.316),
    "growing": Kind(10_000, 64, 7_200_000, lambda day: 0.5 * day / DAYS),
}


@dataclass(frozen=True, slots=True)
class Pages:
    """Whether anything paged in the month, and whether a single night did."""

    any_window: bool
    single_night: bool


def pages(
    fitted: FittedReference, nights: list[FloatArray], generator: np.random.Generator
) -> Pages:
    """Judge every window that is due, until both questions are answered."""
    budget = MonthlyBudget(days=DAYS)
    any_window = False
    for day in range(1, DAYS + 1):
        for window in budget.windows(day):
            rows = np.vstack(nights[max(0, day - window) : day])
            if len(rows) < LEAST_ROWS or (any_window and window > 1):
                continue
            if len(rows) > MOST_ROWS:
                rows = rows[generator.choice(len(rows), MOST_ROWS, replace=False)]
            if judge(fitted, rows, seed=day).p_value <= budget.level(window, day):
                any_window = True
                if window == 1:
                    return Pages(True, True)
    return Pages(any_window, False)


def month(kind: Kind, seed: int, delta: float) -> Pages:
    """One month with a world and a reference of its own."""
    generator, world = np.random.default_rng(seed), World.random(seed, kind.dimension)
    fitted = fit(world.draw(kind.reference, generator)[0], seed=seed)
    nights = []
    for day in range(1, DAYS + 1):
        rows = _varied(generator) if kind.is_calm else NIGHT
        shift = Shift(mean=delta * kind.shift(day))
        nights.append(world.draw(rows, generator, shift)[0])
    return pages(fitted, nights, generator)


def detectable_length(kind: Kind) -> float:
    """The mean shift that is found with a chance of .8 in one night at .05, by interpolation."""
    found = np.zeros(len(LENGTHS))
    seeds = range(DELTA_SEED, DELTA_SEED + DELTA_RUNS)
    for seed in track(seeds, "delta", console=TERMINAL):
        generator, world = np.random.default_rng(seed), World.random(seed, kind.dimension)
        fitted = fit(world.draw(kind.reference, generator)[0], seed=seed)
        for place, length in enumerate(LENGTHS):
            x, _ = world.draw(NIGHT, generator, Shift(mean=length))
            found[place] += judge(fitted, x, seed=seed, permutations=999).p_value <= 0.05
    return float(np.interp(0.8, np.maximum.accumulate(found / DELTA_RUNS), LENGTHS))


def add_months(counts: Counts, name: str, wanted: int, path: Path) -> None:
    """Bring one kind to the wanted number of months, saving each."""
    kind = KINDS[name]
    if not kind.is_calm and "delta" not in counts:
        counts["delta"] = detectable_length(kind)
    cell = counts.setdefault(
        name, {"first_seed": kind.seed, "months": 0, "paged": 0, "paged_by_a_night": 0}
    )
    for _ in track(range(cell["months"], wanted), name, console=TERMINAL):
        found = month(kind, kind.seed + cell["months"], counts.get("delta", 0.0))
        cell["months"] += 1
        cell["paged"] += found.any_window
        cell["paged_by_a_night"] += found.single_night
        path.write_text(json.dumps(counts, indent=1) + "\n")


def table_of(counts: Counts) -> Table:
    table = Table("months", "count", "paged", "95% interval", "by a single night")
    for name in KINDS:
        if name not in counts:
            continue
        cell = counts[name]
        bounds = interval(cell["paged"], cell["months"])
        table.add_row(
            name, f"{cell['months']:,}", f"{bounds.estimate:.3f}",
            f"{bounds.low:.3f} to {bounds.high:.3f}",
            f"{cell['paged_by_a_night'] / max(cell['months'], 1):.3f}",
        )  # fmt: skip
    table.caption = f"delta = {counts.get('delta', float('nan')):.4f}"
    return table


def _varied(generator: np.random.Generator) -> int:
    """20 to 5,000 photos a night, mostly few."""
    return int(np.exp(generator.uniform(np.log(20), np.log(5_000))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", metavar="|".join([*KINDS, "table"]))
    parser.add_argument("--months", type=int, default=100)
    parser.add_argument("--counts", type=Path, default=COUNTS)
    options = parser.parse_args()
    counts = json.loads(options.counts.read_text()) if options.counts.exists() else {}
    for name in options.what:
        if name not in (*KINDS, "table"):
            parser.error(f"{name!r} is no kind of month: {', '.join(KINDS)}, or table")
        if name in KINDS:
            add_months(counts, name, options.months, options.counts)
    Console(width=110).print(table_of(counts))


if __name__ == "__main__":
    main()
