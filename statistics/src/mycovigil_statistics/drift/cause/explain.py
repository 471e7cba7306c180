"""Why a night drifted: camera or light, novel species, class prior, several, or none of these.

Each cause has a detector, a logistic score of the evidence that concerns it, with weights learned
on simulated drifts (`benchmarks/drift_cause.py --train`). One detector that fires names the
cause; several say `mixed`; none says `unknown`, which is an answer too. Whether covariates moved
decides on camera or light; where no covariates were logged, a common displacement of all
embeddings stands in for them, if predictions can tell it from a changed mixture of classes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil_statistics.drift.cause.evidence import gather
from mycovigil_statistics.drift.cause.weights import WEIGHTS
from mycovigil_statistics.drift.reference import FittedReference
from mycovigil_statistics.drift.result import DriftResult
from mycovigil_statistics.sample import Groups, validated

Kind = Literal["camera_or_light", "novel_species", "class_prior", "mixed", "unknown"]
PURE: tuple[Kind, ...] = ("camera_or_light", "novel_species", "class_prior")
LEAST_ROWS = 30
NAMEABLE = 0.5


@dataclass(frozen=True, slots=True)
class Cause:
    """The most likely kind of drift; `unknown` where the evidence fits none, or fits badly.

    `confidence`: the probability of the kind if detectors err independently; of `mixed`, that two
    causes or more are there. At most .5 names no cause; above .8 it can be acted on. `evidence`:
    the measured numbers, and under `is_<cause>` the probability of each detector whose input was
    there.
    """

    kind: Kind
    confidence: float
    evidence: dict[str, float]


def explain(
    fitted: FittedReference,
    result: DriftResult,
    features: ArrayLike,
    probabilities: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    *,
    groups: Groups = None,
    seed: int = 0,
) -> Cause:
    """Read the cause of a drift that `result` found in these rows (the same as judged).

    Raises `InsufficientRows`, `DimensionMismatch`, `NotFinite` as `judge` does.
    """
    night = validated(
        features, probabilities, covariates, groups, least_rows=LEAST_ROWS, least_groups=1
    )
    fitted.require_comparable(night)
    evidence = gather(fitted, result, night, seed)
    seen = {view.group for view in result.views}
    return _name(_detect(evidence, seen), evidence)


def _detect(evidence: dict[str, float], seen: set[str]) -> dict[Kind, float]:
    """Each detector's probability, of those whose input was there."""
    probabilities = {kind: _probability(kind, evidence) for kind in PURE}
    if "predictions" not in seen:
        del probabilities["class_prior"]
    if "covariates" not in seen:
        probabilities["camera_or_light"] = _probability("displaced", evidence)
        if "predictions" not in seen:
            del probabilities["camera_or_light"]
    return probabilities


def _probability(detector: str, evidence: dict[str, float]) -> float:
    score = sum(weight * _damped(evidence, name) for name, weight in WEIGHTS[detector].items())
    return float(1 / (1 + np.exp(-score)))


def _damped(evidence: dict[str, float], name: str) -> float:
    """Signed log(1 + |x|), so that no single number dominates the sum; 1 for the constant."""
    if name == "constant":
        return 1.0
    return float(np.sign(evidence[name]) * np.log1p(abs(evidence[name])))


def _name(detectors: dict[Kind, float], evidence: dict[str, float]) -> Cause:
    found = [kind for kind, probability in detectors.items() if probability > 0.5]
    kind: Kind = found[0] if len(found) == 1 else "mixed" if found else "unknown"
    chances = np.array(list(detectors.values()))
    confidence = float(np.prod(np.maximum(chances, 1 - chances)))
    if kind == "mixed":
        confidence = _at_least_two(chances)
    if confidence <= NAMEABLE:
        kind = "unknown"
    return Cause(kind, confidence, evidence | {f"is_{k}": p for k, p in detectors.items()})


def _at_least_two(chances: NDArray[np.float64]) -> float:
    absent = 1 - chances
    one = sum(p * np.prod(np.delete(absent, i)) for i, p in enumerate(chances))
    return float(1 - np.prod(absent) - one)
