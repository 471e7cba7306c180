"""Advice on one specimen from one or several photos."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mycovigil.models import answer_stop
from mycovigil.models.advice import Decision, Reason, decide
from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES, Advice, CertificateStatus, SafetyClass
from mycovigil_predictor.inference.head import Head, HeadOutput, Vector, pooled

SUSPECT = Reason(
    "certificate_suspect",
    "The photos of late differ from those our model was tested on, or nobody looks for that any "
    "more, so its error bound is in doubt.",
)
VOID = Reason(
    "certificate_void",
    "The photos of late differ from those our model was tested on in a way that affects safety: "
    "until the model is renewed we cannot tell.",
)
CAUTION = {Advice.EXPERT_CHECK: 0, Advice.CANNOT_TELL: 1, Advice.AVOID: 2}


@dataclass(frozen=True, slots=True)
class PhotoAssessment:
    """What one of several photos says alone; ``features`` (D,) are those that are logged."""

    features: Vector
    output: HeadOutput
    decision: Decision


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is answered about a specimen; ``features`` (D,) are those that are logged. ``photos``:
    each of several photos alone, none of a single one."""

    features: Vector
    probabilities: NDArray[np.float64]
    distance: float
    nearest_species: tuple[str, ...]
    label: SafetyClass
    prediction_set: tuple[SafetyClass, ...]
    advice: Advice
    reasons: tuple[Reason, ...]
    photos: tuple[PhotoAssessment, ...] = ()


def stopped(assessment: Assessment, stop: str | None) -> Assessment:
    """The assessment, with advice ``cannot_tell`` while an operator has stopped all answers."""
    if stop is None:
        return assessment
    reasons = (answer_stop.reason_of(stop), *assessment.reasons)
    return replace(assessment, advice=Advice.CANNOT_TELL, reasons=reasons)


class Advisor:
    """Pools the photos of a specimen, and is never less cautious than about one of them alone.

    The certificate bounds the risk of an answer to a single photo. Taking the most cautious of
    all advice (each photo's and the pooled one's) can only lower that risk, so the bound carries
    over to several photos; so does the coverage of the prediction set, which is the union of all
    sets.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._head = Head(bundle)
        self._meta = bundle.meta

    def assess(self, features: list[Vector], status: CertificateStatus) -> Assessment:
        """The assessment of unit features (D,) of each photo, under the certificate's status."""
        whole = pooled(features)
        output = self._head.output(whole)
        decision = self._decide(output)
        photos = tuple(self._alone(one) for one in features) if len(features) > 1 else ()
        if photos:
            decision = _with_each_photo(decision, [photo.decision for photo in photos])
        advice, reasons = under_certificate(status, decision.advice, decision.reasons)
        return Assessment(
            features=whole,
            probabilities=output.probabilities,
            distance=output.distance,
            nearest_species=output.nearest_species,
            label=decision.label,
            prediction_set=decision.prediction_set,
            advice=advice,
            reasons=reasons,
            photos=photos,
        )

    def nearest_species(self, features: Vector) -> tuple[str, ...]:
        """Species of the reference photos that are nearest to logged features (D,)."""
        return self._head.output(features).nearest_species

    def _decide(self, output: HeadOutput) -> Decision:
        return decide(
            output.probabilities,
            output.distance,
            self._meta.thresholds,
            self._meta.classes,
            non_mushroom_score=output.non_mushroom_score,
        )

    def _alone(self, features: Vector) -> PhotoAssessment:
        logged = pooled([features])
        output = self._head.output(logged)
        return PhotoAssessment(logged, output, self._decide(output))


def _with_each_photo(whole: Decision, each: list[Decision]) -> Decision:
    """``whole``, or the decision on a single photo if that is more cautious."""
    possible = _union([whole, *each])
    number, strictest = max(enumerate(each, start=1), key=lambda one: CAUTION[one[1].advice])
    if CAUTION[strictest.advice] <= CAUTION[whole.advice]:
        return replace(whole, prediction_set=possible)
    reasons = tuple(
        Reason(reason.code, f"Photo {number} alone: {reason.text}") for reason in strictest.reasons
    )
    return Decision(strictest.advice, whole.label, possible, reasons + whole.reasons)


def _union(decisions: list[Decision]) -> tuple[SafetyClass, ...]:
    """Classes in any of the sets: a class is ruled out only if every photo rules it out."""
    possible = {name for decision in decisions for name in decision.prediction_set}
    return tuple(name for name in CLASSES if name in possible)


def under_certificate(
    status: CertificateStatus, advice: Advice, reasons: tuple[Reason, ...]
) -> tuple[Advice, tuple[Reason, ...]]:
    """Advice and reasons under a certificate: a suspect one adds a reason, a void one leaves
    nothing better than ``cannot_tell``."""
    if status == CertificateStatus.SUSPECT:
        return advice, (*reasons, SUSPECT)
    if status == CertificateStatus.VOID:
        if advice == Advice.EXPERT_CHECK:
            advice = Advice.CANNOT_TELL
        return advice, (VOID, *reasons)
    return advice, reasons
