"""The most that a week can show of a shift beside days that differ: arithmetic and one Monte Carlo.

python benchmarks/drift_week_bound.py

28 days and then 7 nights of 240 photos of `mycovigil_statistics.simulated`, day effects of an
autoregressive series. Known to the test: the covariance of photos, the variance and correlation of
day effects, and how long the shift is. Unknown: its direction, and the mean of the days. Each axis
has a best estimate of its shift (generalised least squares), and the most powerful test of all
directions alike is the likelihood ratio of its squares (Neyman and Pearson). A test that must learn
what is known here finds less.
"""

import numpy as np
from drift_windows import DAYS, LEVEL, NIGHTS, PHOTOS
from rich.console import Console
from rich.table import Table

from mycovigil_statistics.sample import FloatArray
from mycovigil_statistics.simulated import NOISE

DIMENSION, SHIFT = 128, 0.03
# The level, and the share of it that a group of views and a view of two in a group have.
LEVELS = (LEVEL, LEVEL / 4, LEVEL / 8)
CONDITIONS = ((0.01, 0.0), (0.01, 0.5), (0.02, 0.5), (0.03, 0.0), (0.03, 0.5))
RUNS, BATCHES, SEED = 100_000, 20, 0


def axis_variances(effect: float, correlation: float) -> FloatArray:
    """(d,) variance of the best estimate of a shift along each axis of the noise."""
    eigenvalues = 1 / np.arange(1, DIMENSION + 1)
    eigenvalues *= NOISE**2 / eigenvalues.sum()
    days = np.arange(DAYS + NIGHTS)
    apart = np.abs(days[:, None] - days)
    covariance = effect * correlation**apart + np.eye(len(days)) / PHOTOS
    design = np.stack([np.ones(len(days)), days >= DAYS], axis=1)
    information = design.T @ np.linalg.solve(covariance, design)
    return np.asarray(eigenvalues * np.linalg.inv(information)[1, 1])


def power(variances: FloatArray, generator: np.random.Generator) -> list[float]:
    """How often the most powerful test finds a shift of any direction, at each level."""
    weights = 1 / variances - 1 / (variances + SHIFT**2 / DIMENSION)
    calm = np.concatenate([_noise(variances, generator) ** 2 @ weights for _ in range(BATCHES)])
    directions = generator.standard_normal((RUNS, DIMENSION))
    directions *= SHIFT / np.linalg.norm(directions, axis=1, keepdims=True)
    shifted = (_noise(variances, generator) + directions) ** 2 @ weights
    return [float((shifted >= np.quantile(calm, 1 - level)).mean()) for level in LEVELS]


def _noise(variances: FloatArray, generator: np.random.Generator) -> FloatArray:
    return np.asarray(generator.standard_normal((RUNS, DIMENSION)) * np.sqrt(variances))


def main() -> None:
    generator = np.random.default_rng(SEED)
    table = Table("day effects", "correlation", *(f"at {level:.6f}" for level in LEVELS))
    for effect, correlation in CONDITIONS:
        found = power(axis_variances(effect, correlation), generator)
        table.add_row(f"{effect:.0%}", f"{correlation}", *(f"{rate:.3f}" for rate in found))
    Console().print(table)


if __name__ == "__main__":
    main()
