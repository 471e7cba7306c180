"""Agreement with a slow exact permutation test, written out plainly."""

from collections.abc import Iterator
from itertools import combinations, islice

import numpy as np
import pytest
from scipy.stats import permutation_test

from mycovigil_statistics import fit, judge
from mycovigil_statistics.drift import two_sample
from mycovigil_statistics.drift.permutation import labellings
from mycovigil_statistics.drift.views.view_statistics import statistics_for


def test_relabellings_are_uniform_and_start_with_the_observed() -> None:
    labels = np.vstack(list(labellings(2, 5, 3_999, np.random.default_rng(0))))
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


def test_judge_gives_a_single_feature_scipys_permutation_p() -> None:
    """With one column the largest standardised difference is that of the plain means."""
    generator = np.random.default_rng(4)
    fitted = fit(generator.standard_normal((160, 1)))
    night = generator.standard_normal((40, 1)) + 0.55
    result = judge(fitted, night)
    ours = next(v.p_value for v in result.views if v.name == "largest_feature")

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return abs(float(a.mean() - b.mean()))

    whitened = fitted.geometry.whitening.apply(night.astype(np.float32))
    theirs = permutation_test(
        (whitened[:, 0], fitted.pool.features[:, 0]), distance, n_resamples=9_999,
        alternative="greater", random_state=np.random.default_rng(5),
    ).pvalue  # fmt: skip
    assert result.permutations == 9_999
    assert abs(ours - theirs) < 5 * np.sqrt(2 * theirs * (1 - theirs) / 10_000)


def test_all_relabellings_of_a_tiny_sample_agree_with_the_random_ones() -> None:
    x = np.array([2.1, 1.7, 0.3, -0.4, 0.2, 0.9, -1.2, 0.1], np.float32)
    splits = [sum(x[list(chosen)]) for chosen in combinations(range(8), 2)]
    exact = np.mean(np.array(splits) >= x[0] + x[1] - 1e-6)
    labels = np.vstack(list(labellings(2, 8, 19_999, np.random.default_rng(6))))
    random = np.mean(labels @ x >= x[0] + x[1] - 1e-6)
    assert abs(random - exact) < 5 * np.sqrt(exact * (1 - exact) / 20_000)


def every_labelling(
    night: int, blocks: int, _permutations: int, _generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """In lexicographic order, which begins with the observed one."""
    chosen = combinations(range(blocks), night)
    while some := list(islice(chosen, 5_000)):
        labels = np.zeros((len(some), blocks), np.float32)
        np.put_along_axis(labels, np.array(some), 1, axis=1)
        yield labels


@pytest.mark.parametrize(
    "shift",
    [pytest.param(0.25, marks=pytest.mark.slow), pytest.param(0.4, marks=pytest.mark.whole)],
)
def test_the_combined_p_is_that_of_all_relabellings(
    shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten groups of the night against ten of the pool: 184,756 relabellings of all views."""
    generator = np.random.default_rng(7)
    x = generator.standard_normal((120, 3))
    fitted = fit(x, groups=np.arange(120) // 3, pool_rows=30)
    night, keys = generator.standard_normal((30, 3)) + shift, np.arange(30) // 3
    drawn = judge(fitted, night, groups=keys)
    monkeypatch.setattr(two_sample, "labellings", every_labelling)
    exact = judge(fitted, night, groups=keys).p_value
    assert 1e-4 < exact < 0.9
    assert abs(drawn.p_value - exact) < 5 * np.sqrt(exact * (1 - exact) / drawn.permutations)


def test_the_classifier_view_is_a_plain_cross_fitted_discriminant() -> None:
    """The direction learned on one half, the scores of the other half, and the other way round."""
    generator = np.random.default_rng(10)
    fitted = fit(generator.standard_normal((160, 6)))
    nodes = np.ones((12, len(fitted.geometry.clusters.tree)), np.float32)
    views = statistics_for(fitted.geometry, {"clusters": nodes})
    classifier = next(view for view in views if view.name == "classifier")
    x = generator.standard_normal((12, 6)).astype(np.float32)
    first, night = np.arange(12) % 2 > 0, np.arange(12) < 4
    one, whole = (
        values[night].mean(axis=0) - values[~night].mean(axis=0)
        for values in (np.where(first[:, None], 2 * (x - x.mean(axis=0)), 0), x)
    )
    differences = {"axes": whole[None], "axes_of_half": one[None]}
    parted = []
    for learn in (first, ~first):
        direction = x[learn & night].mean(axis=0) - x[learn & ~night].mean(axis=0)
        scores = x @ direction / np.linalg.norm(direction)
        parted.append(scores[~learn & night].mean() - scores[~learn & ~night].mean())
    assert abs(classifier.of(differences, differences)[0] - np.mean(parted)) < 1e-5
