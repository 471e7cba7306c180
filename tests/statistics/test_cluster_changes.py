"""Clusters that are new, grown, shrunk and gone are named; calm nights name none too often."""

import numpy as np
import pytest
from scipy.stats import binom

from mycovigil_statistics import FittedReference, fit
from mycovigil_statistics.drift.cluster_changes import OUTSIDE, ClusterChange, cluster_changes
from mycovigil_statistics.errors import InsufficientRows

CORNERS = 12.0 * np.eye(4)


def blobs(shares: list[float], rows: int, seed: int) -> np.ndarray:
    """Rows of four far clusters with these shares."""
    generator = np.random.default_rng(seed)
    return CORNERS[generator.choice(4, rows, p=shares)] + generator.standard_normal((rows, 4))


@pytest.fixture(scope="module")
def fitted() -> FittedReference:
    return fit(blobs([0.4, 0.3, 0.2, 0.1], 1_200, 0), seed=0)


def named(changes: tuple[ClusterChange, ...]) -> dict[str, float]:
    """Share of tonight's rows by status, clusters of the same status together."""
    shares: dict[str, float] = {}
    for change in changes:
        shares[change.status] = shares.get(change.status, 0.0) + change.night_share
    return shares


def test_a_cluster_grows_and_another_is_gone(fitted: FittedReference) -> None:
    night = blobs([0.7, 0.3, 0.0, 0.0], 100, 1)
    shares = named(cluster_changes(fitted, night))
    assert shares["gone"] == 0
    assert shares["grown"] == pytest.approx(0.7, abs=0.15)
    assert "new" not in shares


def test_planted_strangers_are_new_and_are_its_examples(fitted: FittedReference) -> None:
    night = blobs([0.4, 0.3, 0.2, 0.1], 200, 2)
    night[:20] = 40 + np.random.default_rng(3).standard_normal((20, 4))
    new = next(c for c in cluster_changes(fitted, night) if c.status == "new")
    assert new.cluster == OUTSIDE
    assert new.night_rows >= 20
    assert set(new.examples) <= set(range(20))


def test_counts_of_the_clusters_are_all_rows(fitted: FittedReference) -> None:
    changes = cluster_changes(fitted, blobs([0.4, 0.3, 0.2, 0.1], 150, 4))
    clusters = [change for change in changes if change.cluster != OUTSIDE]
    assert sum(change.night_rows for change in clusters) == 150
    assert sum(change.reference_rows for change in clusters) == fitted.pool.rows
    assert all(change.examples for change in clusters if change.night_rows)


def test_the_order_of_rows_does_not_matter(fitted: FittedReference) -> None:
    night = blobs([0.6, 0.2, 0.1, 0.1], 120, 5)
    order = np.random.default_rng(5).permutation(120)
    plain, shuffled = cluster_changes(fitted, night), cluster_changes(fitted, night[order])
    assert [c.p_value for c in plain] == [c.p_value for c in shuffled]
    assert set(plain[0].examples) == set(order[list(shuffled[0].examples)].tolist())


@pytest.mark.parametrize("grouped", [False, True])
def test_calm_nights_name_a_change_at_most_at_the_level(grouped: bool) -> None:
    nights, wrong = 80, 0
    for seed in range(nights):
        generator = np.random.default_rng(seed)
        x = generator.standard_normal((400, 3))
        copies = 4 if grouped else 1
        rows, keys = np.repeat(x[300:], copies, axis=0), np.repeat(np.arange(100), copies)
        reference = fit(x[:300], seed=seed)
        changes = cluster_changes(reference, rows, groups=keys if grouped else None)
        wrong += any(change.status != "steady" for change in changes)
    assert wrong <= binom.ppf(1 - 1e-4, nights, 0.05)


def test_single_photos_beside_a_reference_of_specimens_name_no_change() -> None:
    """The first of four sorted rows of a unit is not like a unit's only row."""
    nights, wrong = 30, 0
    for seed in range(nights):
        generator = np.random.default_rng(seed)
        centres = np.repeat(0.7 * generator.standard_normal((150, 3)), 4, axis=0)
        rows = centres + 0.7 * generator.standard_normal((600, 3))
        reference = fit(rows, groups=np.repeat(np.arange(150), 4), seed=seed)
        changes = cluster_changes(reference, 0.99 * generator.standard_normal((200, 3)))
        wrong += any(change.status != "steady" for change in changes)
    assert wrong <= binom.ppf(1 - 1e-4, nights, 0.05)


def test_too_few_rows_are_refused(fitted: FittedReference) -> None:
    with pytest.raises(InsufficientRows, match="29 rows given"):
        cluster_changes(fitted, np.zeros((29, 4)))
