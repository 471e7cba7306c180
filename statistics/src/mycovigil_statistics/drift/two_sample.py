"""Has this night's traffic drifted from the reference? One exact permutation test.

Rows of the pool (held-out reference) and of the night are exchangeable if nothing drifted. All
views are computed for the observed labelling and for relabellings of blocks, combined by a rule
that treats every labelling alike, and the combined statistic is ranked: exact at every sample
size, whatever the quality of the fit (Lehmann and Romano, 2005, Testing Statistical Hypotheses,
theorem 15.2.1).
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.blocks import block_size, blocks_of
from mycovigil_statistics.drift.permutation import labellings
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.drift.result import DriftResult, View
from mycovigil_statistics.drift.thinning import thinned
from mycovigil_statistics.drift.views.features import Tables, tabulate
from mycovigil_statistics.drift.views.tails import column_tails
from mycovigil_statistics.drift.views.view_statistics import Differences, Statistic, statistics_for
from mycovigil_statistics.sample import FloatArray, Groups, Sample, validated

LEAST_ROWS = 30
LEAST_GROUPS = 10
# Relabellings of a look, and the p above which it is the last (Besag and Clifford, 1991).
LOOKS = ((199, 0.2), (999, 0.01))
CLOSER_PERMUTATIONS = 9_999
# Relabellings for each that a level needs.
LOOSE = 2.0
SHARPNESS = 0.7


def judge(
    fitted: FittedReference,
    features: ArrayLike,
    probabilities: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    *,
    novelty: ArrayLike | None = None,
    groups: Groups = None,
    seed: int = 0,
    permutations: int = CLOSER_PERMUTATIONS,
) -> DriftResult:
    """Compare a night to a reference: (m, d) features, (m, c) probabilities, (m, k) covariates.

    `novelty`: (m, s) scores of strangeness, larger is stranger, from anything that was fixed before
    (the distance to the training photos, a mushroom-or-not score): a few strange photos that the
    reference alone cannot tell apart show in their upper tail.
    `groups`: one key a row, rows that share one are dependent; whole groups are permuted, and
    every group counts once. What only one side has is left out. Most nights are calm and need few
    relabellings: a p above .2 after 199 is reported at once, one above .01 after 999; what is left
    is measured with `permutations` (Besag and Clifford, 1991, Sequential Monte Carlo p-values).
    Every look draws fresh ones and reports its own p only, so `P(p <= a) <= a` holds for every a.
    Levels below 1 / `permutations` need more of them.

    Raises `InsufficientRows` below 30 rows or 10 groups, `DimensionMismatch`, `NotFinite`.
    """
    night = validated(
        features, probabilities, covariates, groups, novelty,
        least_rows=LEAST_ROWS, least_groups=LEAST_GROUPS,
    )  # fmt: skip
    fitted.require_comparable(night)
    test = _PermutationTest.of(fitted, night, np.random.default_rng(seed))
    for few, enough in LOOKS:
        if few >= permutations:
            break
        result = test.run(few)
        if result.p_value > enough:
            return result
    return test.run(permutations)


def permutations_for(level: float, tests: int = 1) -> int:
    """Relabellings with which a p below the share of one of `tests` in `level` is possible, and
    never fewer than by default."""
    return max(CLOSER_PERMUTATIONS, ceil(LOOSE * tests / level))


@dataclass(frozen=True, slots=True, eq=False)
class _PermutationTest:
    """Both samples as centred block means, and the statistics to rank."""

    night: Sample
    pool: Sample
    night_blocks: int
    block_size: int
    tables: Tables
    scales: Tables
    statistics: list[Statistic]
    generator: np.random.Generator

    @classmethod
    def of(
        cls, fitted: FittedReference, night: Sample, generator: np.random.Generator
    ) -> "_PermutationTest":
        pool = fitted.pool
        size = block_size(night.unit_count, pool.unit_count)
        alike = thinned(night, pool, generator)
        sides = (
            blocks_of(alike[0].units, size, generator),
            blocks_of(alike[1].units, size, generator),
        )
        tables = tabulate(fitted.geometry, *alike, sides)
        statistics = statistics_for(fitted.geometry, tables)
        tables["axes_of_half"] = _one_half(tables["axes"], generator)
        tables = {name: table - table.mean(axis=0) for name, table in tables.items()}
        scales = {name: _inverse_spread(table, size) for name, table in tables.items()}
        return cls(night, pool, sides[0].count, size, tables, scales, statistics, generator)

    def run(self, permutations: int) -> DriftResult:
        blocks = len(self.tables["axes"])
        values = np.vstack(
            [
                self._measure(labels)
                for labels in labellings(self.night_blocks, blocks, permutations, self.generator)
            ]
        )
        combined = _combine(column_tails(values), [view.group for view in self.statistics])
        views = [
            View(s.name, s.group, _rank(column), s.effect(column[0], column.mean()))
            for s, column in zip(self.statistics, values.T, strict=True)
        ]
        return DriftResult(
            _rank(combined), tuple(views), self.night.rows, self.pool.rows,
            self.night.unit_count, self.pool.unit_count, permutations,
        )  # fmt: skip

    def _measure(self, labels: FloatArray) -> NDArray[np.float64]:
        """(labellings, views) statistics."""
        night, blocks = self.night_blocks, labels.shape[1]
        weights = labels * np.float32(1 / night + 1 / (blocks - night))
        raw: Differences = {name: weights @ table for name, table in self.tables.items()}
        standardised: Differences = {name: raw[name] * scale for name, scale in self.scales.items()}
        return np.stack([s.of(raw, standardised) for s in self.statistics], axis=1).astype(float)


def _one_half(blocks: FloatArray, generator: np.random.Generator) -> FloatArray:
    """A random half of the blocks, twice their distance from the mean, and zeros: its differences
    are those within the half. A block's half is its own, whatever it is labelled, so that blocks
    stay exchangeable."""
    half = generator.permutation(len(blocks)) < len(blocks) // 2
    return np.where(half[:, None], np.float32(2) * (blocks - blocks.mean(axis=0)), np.float32(0))


def _inverse_spread(centred: FloatArray, size: int) -> FloatArray:
    """1 / standard deviation of a unit in each column, from block means; 0 without spread."""
    spread = np.sqrt(np.square(centred, dtype=np.float64).mean(axis=0) * size)
    spread = spread.astype(np.float32)
    return np.asarray(np.divide(1, spread, out=np.zeros_like(spread), where=spread > 1e-6))


def _combine(tails: NDArray[np.float64], groups: list[str]) -> NDArray[np.float64]:
    """Sum over groups of the mean of p ** -0.7 within: between the harmonic mean and Fisher's rule.

    A few small p weigh more than many middling ones, whatever the views' dependence (Vovk and
    Wang, 2020, Combining p-values via averaging); the permutations calibrate the sum.
    """
    inverse = tails**-SHARPNESS
    members = {group: [i for i, g in enumerate(groups) if g == group] for group in groups}
    means = [inverse[:, columns].mean(axis=1) for columns in members.values()]
    return np.asarray(np.sum(means, axis=0))


def _rank(statistics: NDArray[np.float64]) -> float:
    """Share of labellings at least as extreme as the observed, which is the first."""
    observed = statistics[0]
    return float(np.mean(statistics >= observed - 1e-6 * abs(observed)))
