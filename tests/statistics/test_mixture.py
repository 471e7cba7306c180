"""What a night is made of is found: other shares, a displacement, a new cluster."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mycovigil_statistics.safety.calibration import softmax
from mycovigil_statistics.safety.harm.explanations import Explanations, deadly_chance
from mycovigil_statistics.safety.harm.mixture import Known, Mixture, Terms, fit

Array = NDArray[np.float64]
CENTRES = 2.5 * np.eye(3, 6)
SOURCE = np.array([0.5, 0.3, 0.2])


def photos(shares: Array, rows: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=rows, p=shares)
    return CENTRES[labels] + rng.standard_normal((rows, 6)), labels


def probabilities(x: Array) -> Array:
    """Posteriors under SOURCE, sharpened as by an overconfident head."""
    logits = x @ CENTRES.T - 0.5 * np.square(CENTRES).sum(axis=1) + np.log(SOURCE)
    return softmax(1.5 * logits)


@pytest.fixture(scope="module")
def known() -> Known:
    features, labels = photos(SOURCE, 800, 0)
    return Known.of(features, probabilities(features), labels)


def mixture_of(x: Array, known: Known, terms: Terms) -> Mixture:
    return fit(known.whiten(x), known.said(probabilities(x)), known, terms)


def test_other_shares_are_found(known: Known) -> None:
    wanted = np.array([0.1, 0.2, 0.7])
    night, _ = photos(wanted, 600, 1)
    found = mixture_of(night, known, Terms(shares=True))
    assert found.shares == pytest.approx(wanted, abs=0.05)
    assert found.newness.max() < 1e-6


def test_a_displacement_is_told_from_shares(known: Known) -> None:
    night, _ = photos(SOURCE, 600, 2)
    moved = night + np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    found = mixture_of(moved, known, Terms(shares=True, displacement=True))
    step = known.whiten(moved).mean(axis=0) - known.whiten(night).mean(axis=0)
    assert np.linalg.norm(found.displacement - step) < 0.2 * np.linalg.norm(step)
    assert found.shares == pytest.approx(SOURCE, abs=0.06)


def test_a_new_cluster_is_found_and_its_photos_are_new(known: Known) -> None:
    night, _ = photos(SOURCE, 600, 3)
    centre = np.array([0.0, 0.0, 2.5, 0.0, 4.0, 0.0])
    night[:120] = centre + np.random.default_rng(4).standard_normal((120, 6))
    found = mixture_of(night, known, Terms(displacement=True, cluster=True))
    assert found.cluster_share == pytest.approx(0.2, abs=0.05)
    assert found.newness[:120].mean() > 0.8
    assert found.newness[120:].mean() < 0.1
    assert found.distances.argmin() == 2


def test_photos_that_are_there_many_times_are_no_error() -> None:
    features, labels = np.repeat(CENTRES, 50, axis=0), np.repeat(np.arange(3), 50)
    known = Known.of(features, probabilities(features), labels)
    x, _ = photos(SOURCE, 40, 6)
    assert np.isfinite(mixture_of(x, known, Terms(displacement=True, cluster=True)).posterior).all()


def test_explanations_agree_on_a_calm_night_and_doubt_a_strange_one(known: Known) -> None:
    calm, _ = photos(SOURCE, 600, 5)
    strange = calm.copy()
    strange[:200] = [1.5, 0.0, 1.5, 0.0, 4.0, 0.0]
    strange += 0.1 * np.random.default_rng(6).standard_normal(strange.shape)
    everything = np.ones(600, bool)
    told = [Explanations.of(x, probabilities(x), known, 2) for x in (calm, strange)]
    assert told[0].doubt(everything) < 0.1 * told[1].doubt(everything)
    assert told[0].misfit < 2 < told[1].misfit
    assert all(np.allclose(each.posterior.sum(axis=1), 1) for each in told)
    assert all(each.weights.sum() == pytest.approx(1) for each in told)


def test_a_cluster_is_as_deadly_as_it_lies_near_to_the_deadly() -> None:
    near, far = (deadly_chance(np.array(d), 2) for d in ([9.0, 9.0, 1.0], [1.0, 9.0, 9.0]))
    assert near > 0.5
    assert far < 0.3
