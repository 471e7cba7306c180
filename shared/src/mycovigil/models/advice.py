"""The rules of the advice, the same for serving and for the gate. No advice is "safe".

The first rule that holds decides; every rule that holds is given as a reason. All rules only ever
move an answer away from ``expert_check``, so each of them can only lower the risk that the
certificate bounds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil.models.bundle import Thresholds
from mycovigil.models.safety import CLASSES, Advice, SafetyClass

HARMFUL = (SafetyClass.POISONOUS, SafetyClass.DEADLY)
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that applied: a stable ``code`` for programs, a ``text`` for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """``label`` is the likeliest class, ``prediction_set`` the classes not ruled out."""

    advice: Advice
    label: SafetyClass
    prediction_set: tuple[SafetyClass, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules look at, for N photos: ``probabilities`` (N, 4), ``distances`` (N,),
    ``non_mushroom_scores`` (N,), ``sets`` (N, 4) membership of the prediction sets."""

    probabilities: NDArray[np.float64]
    distances: NDArray[np.float64]
    non_mushroom_scores: NDArray[np.float64]
    sets: Mask
    thresholds: Thresholds
    classes: tuple[SafetyClass, ...]

    @property
    def deadly(self) -> NDArray[np.float64]:
        return self.probabilities[:, self.classes.index(SafetyClass.DEADLY)]

    @property
    def harm(self) -> NDArray[np.float64]:
        columns = (self.probabilities[:, self.classes.index(name)] for name in HARMFUL)
        return reduce(np.add, columns)

    @property
    def something_else(self) -> Mask:
        limit = self.thresholds.non_mushroom_limit
        if limit is None:
            return np.zeros(len(self.non_mushroom_scores), dtype=bool)
        return ~(self.non_mushroom_scores <= limit)

    @property
    def harm_in_set(self) -> Mask:
        return self._fits(HARMFUL)

    @property
    def only_harm_in_set(self) -> Mask:
        return self._fits(HARMFUL) & ~self._fits(n for n in self.classes if n not in HARMFUL)

    def _fits(self, names: Iterable[SafetyClass]) -> Mask:
        """Whether any of these classes is in the set."""
        return reduce(np.logical_or, (self.sets[:, self.classes.index(name)] for name in names))


@dataclass(frozen=True, slots=True)
class Rule:
    """``holds`` gives (N,) booleans; ``text`` may use deadly, harm, distance, score and the
    thresholds."""

    code: str
    advice: Advice
    text: str
    holds: Callable[[Evidence], Mask]


RULES: tuple[Rule, ...] = (
    Rule(
        "something_else",
        Advice.CANNOT_TELL,
        "This photo looks more like other things than mushroom photos do "
        "(likeness {score:.2f}, limit {non_mushroom_limit:.2f}), so we take it for no mushroom.",
        lambda e: e.something_else,
    ),
    Rule(
        "not_a_mushroom",
        Advice.CANNOT_TELL,
        "This photo is so unlike the mushrooms we know that we take it for none "
        "(distance {distance:.2f}, limit {not_mushroom:.2f}).",
        lambda e: ~(e.distances <= e.thresholds.not_mushroom),
    ),
    Rule(
        "unfamiliar",
        Advice.CANNOT_TELL,
        "This photo is unlike the photos our model was made with "
        "(distance {distance:.2f}, limit {novelty:.2f}).",
        lambda e: ~(e.distances <= e.thresholds.novelty),
    ),
    Rule(
        "deadly_possible",
        Advice.AVOID,
        "It may be a deadly species: probability {deadly:.1%}, and from {deadly_floor:.1%} on "
        "we say avoid.",
        lambda e: ~(e.deadly < e.thresholds.deadly_floor),
    ),
    Rule(
        "harm_likely",
        Advice.AVOID,
        "It may be a poisonous or deadly species: probability {harm:.1%}, and from "
        "{harm_floor:.1%} on we say avoid.",
        lambda e: ~(e.harm < e.thresholds.harm_floor),
    ),
    Rule(
        "only_harm_fits",
        Advice.AVOID,
        "Only harmful classes fit this photo.",
        lambda e: e.only_harm_in_set,
    ),
    Rule(
        "harm_not_excluded",
        Advice.CANNOT_TELL,
        "A poisonous or deadly species cannot be ruled out.",
        lambda e: e.harm_in_set & ~e.only_harm_in_set,
    ),
    Rule(
        "no_class_fits",
        Advice.CANNOT_TELL,
        "None of our classes fits this photo.",
        lambda e: np.asarray(~e.sets.any(axis=1)),
    ),
    Rule(
        "ambiguous",
        Advice.CANNOT_TELL,
        "More than one class fits this photo.",
        lambda e: np.asarray(e.sets.sum(axis=1) > 1),
    ),
)
NOTHING_AGAINST = Reason(
    "expert_needed",
    "No photo can show that a mushroom may be eaten: have an expert look at the real thing.",
)


def prediction_sets(probabilities: ArrayLike, thresholds: Thresholds) -> Mask:
    """(N, 4) membership: class c belongs where its probability >= 1 - set_level[c]."""
    floor = 1.0 - np.asarray(thresholds.set_level, dtype=np.float64)
    return np.asarray(np.asarray(probabilities, dtype=np.float64) >= floor)


def decide(
    probabilities: ArrayLike,
    distance: float,
    thresholds: Thresholds,
    classes: Sequence[str] = CLASSES,
    *,
    non_mushroom_score: float = 0.0,
) -> Decision:
    """The advice on one specimen.

    Args:
        probabilities: (4,), calibrated, in the order of ``classes``.
        distance: mean cosine distance to the nearest anchors; NaN counts as too far.
        non_mushroom_score: the bundle's; NaN counts as something else.
    """
    row = np.atleast_2d(np.asarray(probabilities))
    evidence = _evidence(row, [distance], [non_mushroom_score], thresholds, classes)
    applied = [rule for rule in RULES if rule.holds(evidence)[0]]
    members = zip(evidence.classes, evidence.sets[0], strict=True)
    return Decision(
        advice=applied[0].advice if applied else Advice.EXPERT_CHECK,
        label=evidence.classes[int(np.argmax(evidence.probabilities[0]))],
        prediction_set=tuple(name for name, member in members if member),
        reasons=tuple(_reason(rule, evidence) for rule in applied) or (NOTHING_AGAINST,),
    )


def decide_many(
    probabilities: ArrayLike,
    distances: ArrayLike,
    non_mushroom_scores: ArrayLike,
    thresholds: Thresholds,
    classes: Sequence[str] = CLASSES,
) -> NDArray[np.str_]:
    """The advice on N photos, (N,) strings: the same rules as :func:`decide`, in one go."""
    evidence = _evidence(probabilities, distances, non_mushroom_scores, thresholds, classes)
    if not len(evidence.distances):
        return np.empty(0, dtype="U12")
    answers = [np.full(len(evidence.distances), rule.advice.value) for rule in RULES]
    applied = [rule.holds(evidence) for rule in RULES]
    return np.select(applied, answers, default=Advice.EXPERT_CHECK.value)


def _evidence(
    probabilities: ArrayLike,
    distances: ArrayLike,
    non_mushroom_scores: ArrayLike,
    thresholds: Thresholds,
    classes: Sequence[str],
) -> Evidence:
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(classes):
        raise ValueError(
            f"probabilities need {len(classes)} columns, one a class; got {rows.shape}"
        )
    return Evidence(
        probabilities=rows,
        distances=np.asarray(distances, dtype=np.float64),
        non_mushroom_scores=np.asarray(non_mushroom_scores, dtype=np.float64),
        sets=prediction_sets(rows, thresholds),
        thresholds=thresholds,
        classes=tuple(SafetyClass(name) for name in classes),
    )


def _reason(rule: Rule, evidence: Evidence) -> Reason:
    text = rule.text.format(
        deadly=evidence.deadly[0],
        harm=evidence.harm[0],
        distance=evidence.distances[0],
        score=evidence.non_mushroom_scores[0],
        **evidence.thresholds.model_dump(exclude={"set_level"}, by_alias=False),
    )
    return Reason(rule.code, text)
