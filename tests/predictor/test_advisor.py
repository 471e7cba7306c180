"""Head and advisor as pure functions."""

from pathlib import Path

import numpy as np
import pytest
from factories.bundle import make_bundle

from mycovigil.models.bundle import Bundle, Thresholds
from mycovigil.models.safety import CLASSES, Advice, CertificateStatus, SafetyClass
from mycovigil_predictor.inference.advisor import CAUTION, Advisor
from mycovigil_predictor.inference.head import Head, pooled
from mycovigil_statistics.safety.novelty import mean_distance

STRICT = Thresholds(
    set_level=(0.9, 0.9, 0.9, 0.9),
    deadly_floor=0.5,
    harm_floor=0.7,
    novelty=0.9,
    not_mushroom=1.2,
)


@pytest.fixture
def bundle(tiny: Path) -> Bundle:
    return make_bundle(tiny, thresholds=STRICT)


def unit(rng: np.random.Generator, count: int, dimension: int) -> list[np.ndarray]:
    rows = rng.standard_normal((count, dimension)).astype(np.float32)
    return list(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_the_head_is_softmax_and_mean_distance_to_the_nearest(bundle: Bundle) -> None:
    (x,) = unit(np.random.default_rng(0), 1, bundle.meta.dimension)
    output = Head(bundle).output(x)

    logits = bundle.weight @ (x - bundle.centre) + bundle.bias
    expected = np.exp(logits) / np.exp(logits).sum()
    distances = 1 - bundle.anchors @ x
    order = np.argsort(distances)[: bundle.meta.neighbours]
    assert output.probabilities == pytest.approx(expected, rel=1e-5)
    assert output.distance == pytest.approx(distances[order].mean(), rel=1e-5)
    known = mean_distance(x[np.newaxis], bundle.anchors, bundle.meta.neighbours)
    assert output.distance == pytest.approx(known[0], rel=1e-5)  # as training calibrates
    assert output.nearest_species == tuple(bundle.species[i] for i in order[:3])


def test_an_anchor_is_no_novelty(bundle: Bundle) -> None:
    near = Head(bundle).output(bundle.anchors[3])
    assert near.nearest_species[0] == "species 3"


def test_pooled_features_are_unit_and_exact_in_half_precision() -> None:
    features = unit(np.random.default_rng(1), 3, 48)
    whole = pooled(features)
    assert np.linalg.norm(whole) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(whole, whole.astype(np.float16).astype(np.float32))


def test_several_photos_are_never_judged_less_cautiously_than_one(bundle: Bundle) -> None:
    advisor, rng = Advisor(bundle), np.random.default_rng(2)
    strictened = 0
    for _ in range(200):
        features = unit(rng, 3, bundle.meta.dimension)
        alone = [advisor.assess([one], CertificateStatus.VALID) for one in features]
        together = advisor.assess(features, CertificateStatus.VALID)
        most = max(CAUTION[one.advice] for one in alone)
        assert CAUTION[together.advice] >= most
        strictened += together.reasons[0].text.startswith("Photo ")
    assert strictened > 0


def test_a_class_is_ruled_out_only_if_every_photo_rules_it_out(bundle: Bundle) -> None:
    advisor, rng = Advisor(bundle), np.random.default_rng(4)
    wider = 0
    for _ in range(200):
        features = unit(rng, 3, bundle.meta.dimension)
        alone = {name for one in features for name in possible(advisor, [one])}
        together = possible(advisor, features)
        assert alone <= set(together)
        assert list(together) == sorted(together, key=CLASSES.index)
        wider += set(together) != set(possible(advisor, [pooled(features)]))
    assert wider > 0


def possible(advisor: Advisor, features: list[np.ndarray]) -> tuple[SafetyClass, ...]:
    return advisor.assess(features, CertificateStatus.VALID).prediction_set


def test_a_void_certificate_leaves_nothing_better_than_cannot_tell(bundle: Bundle) -> None:
    advisor, rng = Advisor(bundle), np.random.default_rng(3)
    seen = set()
    for one in unit(rng, 300, bundle.meta.dimension):
        seen.add(advisor.assess([one], CertificateStatus.VALID).advice)
        void = advisor.assess([one], CertificateStatus.VOID)
        assert void.advice != Advice.EXPERT_CHECK
        assert void.reasons[0].code == "certificate_void"
        suspect = advisor.assess([one], CertificateStatus.SUSPECT)
        assert suspect.reasons[-1].code == "certificate_suspect"
    assert Advice.EXPERT_CHECK in seen
