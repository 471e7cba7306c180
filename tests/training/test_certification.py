"""Certificates: valid where the photos support them, weaker or refused aloud where not."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

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
    thresholds, certificate = certify(rows(60), config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.VALID
    assert (certificate.target, certificate.bound) == (0.05, 0.05)
    assert (certificate.confidence, certificate.calibration_missed) == (0.95, 0)
    assert certificate.calibration_photos == 60
    assert "With 95% confidence at most 5%" in certificate.statement
    assert "shown on 60 specimens" in certificate.statement
    assert "not for other species, places, seasons or cameras" in certificate.statement
    assert "A bound of 2% needs 149 deadly specimens" in certificate.statement
    assert 0 < thresholds.deadly_floor < 1


@pytest.mark.parametrize(
    ("deadly", "bound"), [(14, 0.2), (28, 0.2), (29, 0.1), (58, 0.1), (148, 0.05), (299, 0.01)]
)
def test_the_number_of_specimens_alone_chooses_the_bound(
    config: SafetyConfig, deadly: int, bound: float
) -> None:
    thresholds, certificate = certify(rows(deadly), config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.VALID
    assert certificate.bound == bound
    assert thresholds.set_level[3] < 1


@pytest.mark.parametrize("deadly", [0, 1, 3, 13])
def test_too_few_are_refused_and_nothing_is_called_harmless(
    config: SafetyConfig, deadly: int
) -> None:
    calibration = rows(deadly)
    thresholds, certificate = certify(calibration, config, foreign=NO_FOREIGN)
    assert certificate.state is CertificateStatus.NOT_CERTIFIABLE
    assert certificate.bound is None
    assert certificate.smallest_certifiable == pytest.approx(1 - 0.05 ** (1 / max(deadly, 1e-9)))
    assert "No bound" in certificate.statement
    answers = decide_many(
        calibration.probabilities,
        calibration.distances,
        np.zeros(len(calibration.labels)),
        thresholds,
    )
    assert Advice.EXPERT_CHECK not in answers.tolist()


def test_the_certificate_of_an_answer_to_a_drift_is_of_the_days_since(
    config: SafetyConfig,
) -> None:
    """Curated specimens alone leave it suspect; enough of the new days carry a claim of theirs."""
    calibration = rows(150)
    few, many = (np.arange(len(calibration.labels)) < count for count in (13, 30))
    for chosen in (few, many):
        calibration.probabilities[chosen, 3] *= 0.2  # the new days look less deadly
    plain, _ = certify(calibration, config, foreign=NO_FOREIGN)

    _, doubted = certify(replace(calibration, new_days=few), config, foreign=NO_FOREIGN)
    assert (doubted.state, doubted.bound) == (CertificateStatus.SUSPECT, 0.02)
    assert doubted.doubt is not None
    assert "13 deadly specimens of the days since" in doubted.doubt
    assert "14 are needed" in doubted.doubt

    thresholds, shown = certify(replace(calibration, new_days=many), config, foreign=NO_FOREIGN)
    assert (shown.state, shown.bound, shown.doubt) == (CertificateStatus.VALID, 0.10, None)
    assert shown.calibration_photos == 30
    assert "the days since the drift" in shown.statement
    assert thresholds.deadly_floor <= plain.deadly_floor


def population(specimens: int) -> CalibrationRows:
    """Deadly specimens of one to four photos each, alike within a specimen."""
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(specimens), rng.integers(1, 5, size=specimens))
    strength = rng.gamma(3.0, size=specimens)[groups]
    weights = rng.gamma(1.0, size=(len(groups), 4))
    weights[:, 3] += strength * rng.gamma(8.0, 1 / 8, size=len(groups))
    return CalibrationRows(
        probabilities=weights / weights.sum(axis=1, keepdims=True),
        labels=np.full(len(groups), 3),
        groups=groups.astype(str),
        distances=rng.gamma(20.0, 0.01, size=len(groups)),
    )


@pytest.mark.parametrize(
    ("specimens", "calibrations", "most"),
    [
        pytest.param(2_000, 60, 10, id="short"),  # 1 in 10,000 at a rate of 5%
        pytest.param(20_000, 1_000, 67, id="long", marks=pytest.mark.slow),
    ],
)
def test_the_promise_holds_for_a_whole_population(
    config: SafetyConfig, specimens: int, calibrations: int, most: int
) -> None:
    """From calibration specimens to advice: how often more specimens of a finite population have a
    photo answered expert_check than the bound says."""
    every = population(specimens)
    specimen = every.groups.astype(int)
    exceeded, rng = 0, np.random.default_rng(5)
    for run in range(calibrations):
        drawn = rng.choice(specimens, size=(14, 29, 59, 149)[run % 4], replace=False)
        thresholds, certificate = certify(_taken(every, drawn), config, foreign=NO_FOREIGN)
        answers = decide_many(
            every.probabilities, every.distances, np.zeros(len(specimen)), thresholds
        )
        missed = np.unique(specimen[answers == Advice.EXPERT_CHECK])
        assert certificate.bound is not None
        exceeded += len(missed) / specimens > certificate.bound
    Console(width=120).print(f"exceeded in {exceeded} of {calibrations} calibrations")
    assert exceeded <= most


def _taken(every: CalibrationRows, specimens: np.ndarray) -> CalibrationRows:
    own = np.isin(every.groups, specimens.astype(str))
    others = rows(0, 60)
    return CalibrationRows(
        probabilities=np.concatenate([every.probabilities[own], others.probabilities]),
        labels=np.concatenate([every.labels[own], others.labels]),
        groups=np.concatenate([every.groups[own], [f"other {name}" for name in others.groups]]),
        distances=np.concatenate([every.distances[own], others.distances]),
    )


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
