"""Power of the drift test on the simulated family (`drift_calm.py` has its false alarms).

python benchmarks/drift_power.py --help; every table states its seed and its runs. The family and
the shifts are those of `mycovigil_statistics.simulated`; every run has a world, a reference and
nights of its own, so that runs are independent.
"""

import argparse

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

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


def power_table(rates: dict[int, dict[str, float]], title: str) -> Table:
    table = Table("night", *SHIFTS, title=title)
    for night, row in rates.items():
        table.add_row(f"{night:,}", *(f"{row[name]:.3f}" for name in SHIFTS))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=int, default=10_000)
    parser.add_argument("--nights", type=int, nargs="+", default=[200, 1_000])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2_000_000)
    parser.add_argument("--heavy", action="store_true", help="noise with 5 degrees of freedom")
    parser.add_argument("--predictions", action="store_true", help="test probabilities too")
    options = parser.parse_args()
    extra = {"heavy": options.heavy, "predictions": options.predictions}
    rates = {
        night: power(options.reference, night, options.runs, options.seed, **extra)
        for night in options.nights
    }
    title = f"reference {options.reference:,}, {options.runs} runs, seed {options.seed}, {extra}"
    Console(width=120).print(power_table(rates, title))


if __name__ == "__main__":
    main()
