"""False alarms of the drift test where reference and night know their specimens differently.

    python benchmarks/drift_groups.py [--runs 1000] [--dimension 64] [--seed 21000000]

Photos of one specimen share half of their variance. A reference of 2,000 photos, a night of 200;
"alone": a client that names no session and sends one photo a specimen.
"""

import argparse
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil_statistics import fit, judge
from mycovigil_statistics.safety.proportions import interval
from mycovigil_statistics.sample import FloatArray, IntArray

SHARED = 0.5
LEVEL = 0.05
Sizes = Callable[[int, np.random.Generator], IntArray]
PHOTOS: dict[str, Sizes] = {
    "alone": lambda rows, _: np.ones(rows, np.int64),
    "in pairs": lambda rows, _: np.full(rows // 2, 2),
    "by fours": lambda rows, _: np.full(rows // 4, 4),
    "in bursts of 1 to 9": lambda rows, g: g.integers(1, 10, rows // 5),
}


def draw(
    sizes: IntArray, dimension: int, generator: np.random.Generator
) -> tuple[FloatArray, list[int]]:
    """(photos, d) features and the specimen of each."""
    specimens = np.repeat(np.arange(len(sizes)), sizes)
    kinds = generator.standard_normal((len(sizes), dimension))[specimens]
    noise = generator.standard_normal((len(specimens), dimension))
    return np.sqrt(SHARED) * kinds + np.sqrt(1 - SHARED) * noise, specimens.tolist()


def alarms(reference: Sizes, night: Sizes, seeds: range, dimension: int, title: str) -> int:
    """Calm nights with a p of at most .05."""
    count = 0
    for seed in track(seeds, title, console=Console(stderr=True)):
        generator = np.random.default_rng(seed)
        x, known = draw(reference(2_000, generator), dimension, generator)
        y, tonight = draw(night(200, generator), dimension, generator)
        fitted = fit(x, groups=known, seed=seed)
        found = judge(fitted, y, groups=tonight, seed=seed, permutations=999)
        count += found.p_value <= LEVEL
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--seed", type=int, default=21_000_000)
    options = parser.parse_args()
    table = Table("reference", "night", "calm nights", "at .05", "95% interval")
    seeds = range(options.seed, options.seed + options.runs)
    for known, reference in PHOTOS.items():
        for sent, night in PHOTOS.items():
            title = f"{known}, {sent}"
            found = interval(
                alarms(reference, night, seeds, options.dimension, title), options.runs
            )
            table.add_row(
                known, sent, f"{options.runs:,}", f"{found.estimate:.3f}",
                f"{found.low:.3f} to {found.high:.3f}",
            )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
