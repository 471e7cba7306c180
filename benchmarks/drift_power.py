"""False alarms and power of the drift test on the simulated family, and over calm months.

python benchmarks/drift_power.py --help; every table states its seed and its runs. The family and
the shifts are those of `mycovigil_statistics.simulated`; every run has a world, a reference and
nights of its own, so that runs are independent.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import beta

from mycovigil_statistics import fit, judge
from mycovigil_statistics.simulated import Shift, World

LEVEL = 0.05
SHIFTS = {
    "mean .03": Shift(mean=0.03),
    "scale": Shift(scale=0.05),
    "prior": Shift(prior=0.10),
    "new 5": Shift(novel=0.05),
    "new 10": Shift(novel=0.10),
    "sparse": Shift(sparse=0.2),
}
TERMINAL = Console(stderr=True)


def calm_p_values(
    reference: int,
    nights: Sequence[int],
    runs: int,
    seed: int,
    *,
    dimension: int = 512,
    heavy: bool = False,
    predictions: bool = False,
) -> dict[int, list[float]]:
    """p-values of calm nights by night size; one fit a run serves a night of each size."""
    p_values: dict[int, list[float]] = {night: [] for night in nights}
    for run in track(range(seed, seed + runs), f"calm {reference}", console=TERMINAL):
        generator = np.random.default_rng(run)
        world = World.random(run, dimension, heavy=heavy)
        x, _ = world.draw(reference, generator)
        fitted = fit(x, world.probabilities(x) if predictions else None, seed=run)
        for night in nights:
            y, _ = world.draw(night, generator)
            p = world.probabilities(y) if predictions else None
            judgement = judge(fitted, y, p, seed=run, permutations=999)
            p_values[night].append(judgement.p_value)
    return p_values


def power(
    reference: int,
    night: int,
    runs: int,
    seed: int,
    *,
    dimension: int = 512,
    heavy: bool = False,
    predictions: bool = False,
) -> dict[str, float]:
    """Share of shifted nights that are found at the level .05, by shift."""
    found = dict.fromkeys(SHIFTS, 0)
    for run in track(range(seed, seed + runs), f"power {night}", console=TERMINAL):
        generator = np.random.default_rng(run)
        world = World.random(run, dimension, heavy=heavy)
        x, _ = world.draw(reference, generator)
        fitted = fit(x, world.probabilities(x) if predictions else None, seed=run)
        for name, shift in SHIFTS.items():
            y, _ = world.draw(night, generator, shift)
            p = world.probabilities(y) if predictions else None
            found[name] += judge(fitted, y, p, seed=run, permutations=999).p_value <= LEVEL
    return {name: count / runs for name, count in found.items()}


def interval(alarms: int, runs: int) -> tuple[float, float]:
    """Clopper and Pearson's 95% interval of a rate."""
    low = float(beta.ppf(0.025, alarms, runs - alarms + 1)) if alarms else 0.0
    high = float(beta.ppf(0.975, alarms + 1, runs - alarms)) if alarms < runs else 1.0
    return low, high


def calm_table(p_values: dict[int, dict[int, list[float]]], title: str) -> Table:
    table = Table("reference", "night", "runs", "alarms at .05", "95% interval", title=title)
    for reference, nights in p_values.items():
        for night, values in nights.items():
            alarms = int(np.sum(np.array(values) <= LEVEL))
            low, high = interval(alarms, len(values))
            rate = f"{alarms / len(values):.3f}"
            table.add_row(
                f"{reference:,}", f"{night:,}", str(len(values)), rate, f"{low:.3f} to {high:.3f}"
            )
    return table


def power_table(rates: dict[int, dict[str, float]], title: str) -> Table:
    table = Table("night", *SHIFTS, title=title)
    for night, row in rates.items():
        table.add_row(f"{night:,}", *(f"{row[name]:.3f}" for name in SHIFTS))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["calm", "power"])
    parser.add_argument("--references", type=int, nargs="+", default=[500, 2_000, 10_000])
    parser.add_argument("--nights", type=int, nargs="+", default=[50, 200, 1_000, 5_000])
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--heavy", action="store_true", help="noise with 5 degrees of freedom")
    parser.add_argument("--predictions", action="store_true", help="test probabilities too")
    parser.add_argument("--json", type=Path, help="also write the raw results here")
    options = parser.parse_args()
    extra = {"heavy": options.heavy, "predictions": options.predictions}
    title = f"{options.what}, seed {options.seed}, {options.runs} runs a cell, {extra}"
    results: dict[int, dict] = {}  # type: ignore[type-arg]
    if options.what == "calm":
        for reference in options.references:
            results[reference] = calm_p_values(
                reference, options.nights, options.runs, options.seed, **extra
            )
        table = calm_table(results, title)
    else:
        for night in options.nights:
            results[night] = power(
                options.references[-1], night, options.runs, options.seed, **extra
            )
        table = power_table(results, f"{title}, reference {options.references[-1]:,}")
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps(results))


if __name__ == "__main__":
    main()
