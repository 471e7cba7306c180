"""The verdict on one specimen from one or several photos."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.advice import Decision, Reason, decide
from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES, Advice, CertificateStatus, SafetyClass
from mycovigil_predictor.inference.head import Head, Reading, Vector, pooled

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
class Judgement:
    """What is answered about a specimen; ``features`` (D,) are those that are logged."""

    features: Vector
    probabilities: NDArray[np.float64]
    distance: float
    kin: tuple[str, ...]
    label: SafetyClass
    prediction_set: tuple[SafetyClass, ...]
    verdict: Advice
    reasons: tuple[Reason, ...]


class Judge:
    """Pools the photos of a specimen, and is never less cautious than about one of them alone.

    The certificate bounds the risk of an answer to a single photo. Taking the most cautious of
    all verdicts (each photo's and the pooled one's) can only lower that risk, so the bound
    carries over to several photos; so does the coverage of the prediction set, which is the
    union of all sets.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._head = Head(bundle)
        self._meta = bundle.meta

    def judge(self, features: list[Vector], state: CertificateStatus) -> Judgement:
        """The judgement on unit features (D,) of each photo, under today's certificate."""
        whole = pooled(features)
        reading = self._head.read(whole)
        decision = self._decide(reading)
        if len(features) > 1:
            decision = self._with_each(decision, features)
        verdict, reasons = under(state, decision.advice, decision.reasons)
        return Judgement(
            features=whole,
            probabilities=reading.probabilities,
            distance=reading.distance,
            kin=reading.kin,
            label=decision.label,
            prediction_set=decision.prediction_set,
            verdict=verdict,
            reasons=reasons,
        )

    def kin(self, features: Vector) -> tuple[str, ...]:
        """The species that logged features resemble most."""
        return self._head.read(features).kin

    def _decide(self, reading: Reading) -> Decision:
        return decide(
            reading.probabilities,
            reading.distance,
            self._meta.thresholds,
            self._meta.classes,
            non_mushroom_score=reading.strangeness,
        )

    def _with_each(self, whole: Decision, features: list[Vector]) -> Decision:
        each = [self._decide(self._head.read(pooled([one]))) for one in features]
        possible = _union([whole, *each])
        place = max(range(len(each)), key=lambda index: CAUTION[each[index].advice])
        strictest = each[place]
        if CAUTION[strictest.advice] <= CAUTION[whole.advice]:
            return replace(whole, prediction_set=possible)
        told = tuple(
            Reason(reason.code, f"Photo {place + 1} alone: {reason.text}")
            for reason in strictest.reasons
        )
        return Decision(strictest.advice, whole.label, possible, told + whole.reasons)


def _union(decisions: list[Decision]) -> tuple[SafetyClass, ...]:
    """What any of the sets holds: a class is ruled out only if every photo rules it out."""
    held = {name for decision in decisions for name in decision.prediction_set}
    return tuple(name for name in CLASSES if name in held)


def under(
    state: CertificateStatus, verdict: Advice, reasons: tuple[Reason, ...]
) -> tuple[Advice, tuple[Reason, ...]]:
    """A certificate in doubt is told; a void one leaves nothing better than "cannot tell"."""
    if state == CertificateStatus.SUSPECT:
        return verdict, (*reasons, SUSPECT)
    if state == CertificateStatus.VOID:
        if verdict == Advice.EXPERT_CHECK:
            verdict = Advice.CANNOT_TELL
        return verdict, (VOID, *reasons)
    return verdict, reasons
