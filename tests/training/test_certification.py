"""Certificates: valid where the photos support them, weaker or refused aloud where not."""

from dataclasses import replace

import numpy as np
import pytest

from mycovigil.models.advice import decide_many
from mycovigil.models.safety import Advice, CertificateStatus
from mycovigil_training.configuration import SafetyConfig, compose
from mycovigil_training.model.certification import CalibrationRows, certify

NO_FOREIGN = np.empty(0)


@pytest.fixture(scope="module")
def config() -> SafetyConfig:
    return compose().safety


def rows(deadly: int, others: int = 120, seed: int = 1, strength: float = 3.0) -> CalibrationRows:
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.full(deadly, 3), np.arange(others) % 3])
    weights = rng.gamma(1.0, size=(len(labels), 4))
    weights[np.arange(len(labels)), labels] += rng.gamma(strength, size=len(labels))
    return CalibrationRows(
        probabilities=weights / weights.sum(axis=1, keepdims=True),
        labels=labels,
        groups=np.array([f"specimen {n}" for n in range(len(labels))]),
        distances=rng.gamma(20.0, 0.01, size=len(labels)),
    )


def test_enough_deadly_specimens_give_the_target(config: SafetyConfig) -> None:
    thresholds, certificate = certify(rows(40), config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.VALID
    assert (certificate.target, certificate.bound) == (0.05, 0.05)
    assert certificate.calibration_photos == 40
    assert "at most 5%" in certificate.statement
    assert 0 < thresholds.deadly_floor < 1


def test_fewer_give_a_weaker_bound_that_says_so(config: SafetyConfig) -> None:
    thresholds, certificate = certify(rows(10), config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.VALID
    assert certificate.bound == 0.10
    assert "needs 19 deadly specimens" in certificate.statement
    assert thresholds.set_level[3] < 1


@pytest.mark.parametrize("deadly", [0, 1, 3])
def test_too_few_are_refused_and_nothing_is_called_harmless(
    config: SafetyConfig, deadly: int
) -> None:
    calibration = rows(deadly)
    thresholds, certificate = certify(calibration, config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.NOT_CERTIFIABLE
    assert certificate.bound is None
    assert certificate.smallest_certifiable == pytest.approx(1 / (deadly + 1))
    assert "No bound" in certificate.statement
    answers = decide_many(
        calibration.probabilities,
        calibration.distances,
        np.zeros(len(calibration.labels)),
        thresholds,
    )
    assert Advice.EXPERT_CHECK not in answers.tolist()


def test_the_promise_holds_on_new_photos_over_many_worlds(config: SafetyConfig) -> None:
    """The share of new deadly photos answered expert_check, over 300 calibrations."""
    missed, worlds, fresh = 0, 300, 20
    for world in range(worlds):
        thresholds, _ = certify(rows(25, 40, seed=world), config, foreign=NO_FOREIGN)
        new = rows(fresh, 0, seed=10_000 + world)
        answers = decide_many(new.probabilities, new.distances, np.zeros(fresh), thresholds)
        missed += int((answers == Advice.EXPERT_CHECK).sum())
    assert missed / (worlds * fresh) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_few_mushrooms_are_taken_for_something_else(config: SafetyConfig) -> None:
    """Over 400 calibrations, at most the configured share of new mushrooms is refused."""
    refused, worlds, fresh = 0, 400, 50
    rng = np.random.default_rng(3)
    for _ in range(worlds):
        known = replace(rows(40), non_mushroom_scores=rng.normal(size=160))
        thresholds, _ = certify(known, config, foreign=NO_FOREIGN)
        assert thresholds.non_mushroom_limit is not None
        refused += int((rng.normal(size=fresh) > thresholds.non_mushroom_limit).sum())
    share = config.non_mushroom_share
    assert refused / (worlds * fresh) <= share + 3 * np.sqrt(share * (1 / fresh + 1 / 160) / worlds)


def test_novelty_thresholds_are_ordered_and_learn_from_foreign_photos(
    config: SafetyConfig,
) -> None:
    calibration = rows(40)
    plain, _ = certify(calibration, config, foreign=NO_FOREIGN)
    foreign = np.random.default_rng(2).normal(0.9, 0.05, 60)
    taught, _ = certify(calibration, config, foreign=foreign)
    assert (calibration.distances > plain.novelty).mean() <= config.novelty_share
    assert plain.novelty < plain.not_mushroom
    assert taught.novelty == plain.novelty
    assert taught.novelty <= taught.not_mushroom <= foreign.max()
