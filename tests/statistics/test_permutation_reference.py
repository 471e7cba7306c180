"""Agreement with a slow exact permutation test, written out plainly."""

from itertools import combinations

import numpy as np
from scipy.stats import permutation_test

from mycovigil_statistics.permutation import labellings


def test_relabellings_are_uniform_and_start_with_the_observed() -> None:
    chunks = list(labellings(2, 5, 3_999, np.random.default_rng(0)))
    labels = np.vstack(chunks)
    assert len(labels) == 4_000
    assert labels[0].tolist() == [1, 1, 0, 0, 0]
    assert (labels.sum(axis=1) == 2).all()
    drawn = [tuple(np.flatnonzero(row).tolist()) for row in labels[1:]]
    counts = [drawn.count(pair) for pair in combinations(range(5), 2)]
    assert sum(counts) == 3_999
    assert max(abs(np.array(counts) - 399.9)) < 5 * np.sqrt(399.9)


def test_a_mean_difference_has_scipys_permutation_p() -> None:
    x = np.random.default_rng(1).standard_normal(40).astype(np.float32)
    x[:12] += 0.6
    labels = np.vstack(list(labellings(12, 40, 9_999, np.random.default_rng(2))))
    statistic = labels @ x / 12 - (1 - labels) @ x / 28
    ours = float(np.mean(statistic >= statistic[0] - 1e-6))

    def difference(a: np.ndarray, b: np.ndarray) -> float:
        return float(a.mean() - b.mean())

    theirs = permutation_test(
        (x[:12], x[12:]), difference, n_resamples=9_999, alternative="greater",
        random_state=np.random.default_rng(3),
    ).pvalue  # fmt: skip
    assert abs(ours - theirs) < 5 * np.sqrt(2 * theirs * (1 - theirs) / 10_000)
