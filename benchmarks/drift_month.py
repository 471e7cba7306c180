"""Months of nights under one false-alarm budget: pages in calm months, slow drift found in others.

python benchmarks/drift_month.py [--months 200] [--night 200] [--reference 10000]

delta is the mean shift that one night finds with a chance of .8 at the level .05. `persistent`
moves every night by .316 delta (a tenth of the squared distance), `growing` from 0 to .5 delta.
"""

import argparse
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics import FittedReference, fit, judge
from mycovigil_statistics.budget import MonthlyBudget, pool_is_enough
from mycovigil_statistics.simulated import Shift, World

DAYS = 30
LEAST_ROWS = 30
LENGTHS = (0.01, 0.02, 0.03, 0.045, 0.06, 0.08)
TERMINAL = Console(stderr=True)
Lengths = Callable[[int], float]


def page_day(
    world: World,
    fitted: FittedReference,
    nights: list[int],
    length: Lengths,
    generator: np.random.Generator,
    *,
    longest: int = DAYS,
) -> int | None:
    """The first day of the month on which a window of at most `longest` days alarms."""
    budget, rows = MonthlyBudget(days=DAYS), []
    for day, night in enumerate(nights, start=1):
        x, _ = world.draw(night, generator, Shift(mean=length(day)))
        rows.append(x)
        for window in budget.windows(day):
            pooled = np.vstack(rows[-window:])
            if window > longest or len(pooled) < LEAST_ROWS:
                continue
            p_value = judge(fitted, pooled, seed=day).p_value
            if p_value <= budget.level(window, day):
                return day
    return None


def detectable_length(reference: int, night: int, dimension: int, seed: int) -> float:
    """The mean shift that is found with a chance of .8 in one night at .05, by interpolation."""
    found = np.zeros(len(LENGTHS))
    runs = 40
    for run in track(range(seed, seed + runs), "delta", console=TERMINAL):
        generator, world = np.random.default_rng(run), World.random(run, dimension)
        fitted = fit(world.draw(reference, generator)[0], seed=run)
        for i, length in enumerate(LENGTHS):
            x, _ = world.draw(night, generator, Shift(mean=length))
            found[i] += judge(fitted, x, seed=run, permutations=999).p_value <= 0.05
    return float(np.interp(0.8, np.maximum.accumulate(found / runs), LENGTHS))


def paged_share(
    title: str,
    months: int,
    reference: int,
    night: Callable[[np.random.Generator], int],
    length: Lengths,
    *,
    dimension: int,
    seed: int,
    longest: int = DAYS,
) -> float:
    """Share of months with at least one page; every month has a world and reference of its own."""
    paged = 0
    for month in track(range(seed, seed + months), title, console=TERMINAL):
        generator, world = np.random.default_rng(month), World.random(month, dimension)
        fitted = fit(world.draw(reference, generator)[0], seed=month)
        nights = [night(generator) for _ in range(DAYS)]
        day = page_day(world, fitted, nights, length, generator, longest=longest)
        paged += day is not None
    return paged / months


def varied(generator: np.random.Generator) -> int:
    """20 to 5,000 photos a night, mostly few."""
    return int(np.exp(generator.uniform(np.log(20), np.log(5_000))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=100)
    parser.add_argument("--reference", type=int, default=10_000)
    parser.add_argument("--night", type=int, default=200)
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--seed", type=int, default=7_000_000)
    parser.add_argument("--only", choices=["calm", "slow"])
    options = parser.parse_args()
    shared = {"dimension": options.dimension, "seed": options.seed}
    table = Table("months", "nights of", "windows", "paged", title=f"{options}")
    if options.only != "slow":
        share = paged_share("calm", options.months, 1_000, varied, lambda _: 0.0, **shared)
        table.add_row("calm", "20 to 5,000", "all", f"{share:.3f}")
    if options.only != "calm":
        delta = detectable_length(options.reference, options.night, options.dimension, options.seed)
        drifts: dict[str, Lengths] = {
            "persistent .316 delta": lambda _: 0.316 * delta,
            "growing to .5 delta": lambda day: 0.5 * delta * day / DAYS,
        }
        for name, length in drifts.items():
            for longest, windows in ((DAYS, "all"), (1, "nightly only")):
                share = paged_share(
                    name, options.months, options.reference, lambda _: options.night, length,
                    longest=longest, **shared,
                )  # fmt: skip
                table.add_row(name, str(options.night), windows, f"{share:.3f}")
        enough = pool_is_enough(min(options.reference // 2, 10_000), options.night)
        table.caption = f"delta = {delta:.4f}; the pool holds 25 nights: {enough}"
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
