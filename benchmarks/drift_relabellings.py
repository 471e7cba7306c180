"""CPU seconds of the nightly test by the night's rows, calm and drifted, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/drift_relabellings.py [--reference 10000] [--nights 5]

A calm night stops at 199 or 999 relabellings, a drifted one is measured with 9,999 of them, and
small nights move single rows where large ones move blocks: both show here. Medians over nights.
"""

import argparse
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from mycovigil_statistics import DriftResult, FittedReference, fit, judge
from mycovigil_statistics.simulated import Shift, World

ROWS = (50, 200, 1_000, 5_000)
DRIFT = Shift(novel=0.15)


def timed(
    world: World, fitted: FittedReference, rows: int, shift: Shift, seed: int
) -> tuple[float, DriftResult]:
    """CPU seconds of judging one night, and what it found."""
    features, _ = world.draw(rows, np.random.default_rng(seed), shift)
    probabilities = world.probabilities(features)
    start = time.process_time()
    found = judge(fitted, features, probabilities, seed=seed)
    return time.process_time() - start, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=5)
    options = parser.parse_args()
    world = World.random(19_000_000)
    reference, _ = world.draw(options.reference, np.random.default_rng(19_000_001))
    fitted = fit(reference, world.probabilities(reference))
    timed(world, fitted, ROWS[0], Shift(), 0)  # imports and caches
    table = Table("rows", "calm CPU s", "drifted CPU s", "ratio", "relabellings, drifted")
    for rows in ROWS:
        calm, drifted = (
            [timed(world, fitted, rows, shift, night) for night in range(options.nights)]
            for shift in (Shift(), DRIFT)
        )
        seconds = [float(np.median([cost for cost, _ in nights])) for nights in (calm, drifted)]
        most = max(found.permutations for _, found in drifted)
        table.add_row(
            f"{rows:,}", *(f"{s:.2f}" for s in seconds), f"{seconds[1] / seconds[0]:.0f}",
            f"{most:,}",
        )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
