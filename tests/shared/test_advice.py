"""The rules of the advice: careful in every direction, and the same for one photo and for many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycovigil.models.advice import decide, decide_many, prediction_sets
from mycovigil.models.bundle import Thresholds
from mycovigil.models.safety import CLASSES, Advice, SafetyClass

THRESHOLDS = Thresholds(
    set_level=(0.7, 0.7, 0.7, 0.95),
    deadly_floor=0.1,
    harm_floor=0.3,
    novelty=0.5,
    not_mushroom=0.8,
)


@pytest.mark.parametrize(
    ("probabilities", "distance", "advice", "code"),
    [
        ([0.96, 0.02, 0.01, 0.01], 0.2, Advice.EXPERT_CHECK, "expert_needed"),
        ([0.96, 0.02, 0.01, 0.01], 0.9, Advice.CANNOT_TELL, "not_a_mushroom"),
        ([0.96, 0.02, 0.01, 0.01], 0.6, Advice.CANNOT_TELL, "unfamiliar"),
        ([0.85, 0.02, 0.02, 0.11], 0.2, Advice.AVOID, "deadly_possible"),
        ([0.65, 0.02, 0.31, 0.02], 0.2, Advice.AVOID, "harm_likely"),
        ([0.90, 0.02, 0.02, 0.06], 0.2, Advice.CANNOT_TELL, "harm_not_excluded"),
        ([0.49, 0.49, 0.01, 0.01], 0.2, Advice.CANNOT_TELL, "ambiguous"),
        ([0.28, 0.28, 0.24, 0.04], 0.2, Advice.CANNOT_TELL, "no_class_fits"),
    ],
)
def test_each_rule(probabilities: list[float], distance: float, advice: Advice, code: str) -> None:
    decision = decide(probabilities, distance, THRESHOLDS)
    assert decision.advice is advice
    assert code in [reason.code for reason in decision.reasons]


def test_only_harmful_classes_in_the_set_mean_avoid() -> None:
    lenient = THRESHOLDS.model_copy(update={"deadly_floor": 0.9, "harm_floor": 1.0})
    decision = decide([0.1, 0.1, 0.4, 0.4], 0.2, lenient)
    assert decision.advice is Advice.AVOID
    assert decision.prediction_set == (SafetyClass.POISONOUS, SafetyClass.DEADLY)


def test_every_rule_that_holds_is_told() -> None:
    decision = decide([0.1, 0.1, 0.4, 0.4], 0.6, THRESHOLDS)
    codes = [reason.code for reason in decision.reasons]
    assert decision.advice is Advice.CANNOT_TELL
    assert codes[:3] == ["unfamiliar", "deadly_possible", "harm_likely"]
    assert "probability 40.0%" in decision.reasons[1].text


def test_a_photo_of_something_else_is_refused_and_a_broken_score_too() -> None:
    taught = THRESHOLDS.model_copy(update={"non_mushroom_limit": 0.4})
    for score in (0.5, float("nan")):
        decision = decide([0.1, 0.1, 0.1, 0.7], 0.2, taught, non_mushroom_score=score)
        assert decision.advice is Advice.CANNOT_TELL
        assert decision.reasons[0].code == "something_else"
    assert decide([0.1, 0.1, 0.1, 0.7], 0.2, taught, non_mushroom_score=0.4).advice is Advice.AVOID
    assert (
        decide([0.1, 0.1, 0.1, 0.7], 0.2, THRESHOLDS, non_mushroom_score=9.0).advice is Advice.AVOID
    )


def test_nothing_is_ever_called_safe() -> None:
    decision = decide([1, 0, 0, 0], 0.0, THRESHOLDS)
    assert "safe" not in " ".join(reason.text for reason in decision.reasons).lower()
    assert {advice.value for advice in Advice} == {"avoid", "expert_check", "cannot_tell"}


@pytest.mark.parametrize("broken", [[float("nan")] * 4, [0.97, 0.01, 0.01, float("nan")]])
def test_not_a_number_is_never_waved_through(broken: list[float]) -> None:
    assert decide(broken, 0.2, THRESHOLDS).advice is not Advice.EXPERT_CHECK
    assert decide([1, 0, 0, 0], float("nan"), THRESHOLDS).advice is Advice.CANNOT_TELL


@given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), st.floats(0, 2))
def test_more_probability_of_deadly_never_makes_an_answer_less_careful(
    weights: list[float], distance: float
) -> None:
    before = np.asarray(weights) / sum(weights)
    after = before * 0.5
    after[3] += 0.5
    if decide(before, distance, THRESHOLDS).advice is not Advice.EXPERT_CHECK:
        assert decide(after, distance, THRESHOLDS).advice is not Advice.EXPERT_CHECK


def test_many_at_once_are_decided_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    rows = rng.dirichlet([0.5] * 4, size=300)
    distances = rng.uniform(0, 1, 300)
    single = [decide(row, far, THRESHOLDS).advice for row, far in zip(rows, distances, strict=True)]
    assert decide_many(rows, distances, np.zeros(len(rows)), THRESHOLDS).tolist() == single
    assert len(set(single)) == 3


def test_no_photos_and_wrong_shapes() -> None:
    assert decide_many(np.empty((0, 4)), [], [], THRESHOLDS).shape == (0,)
    with pytest.raises(ValueError, match="4 columns"):
        decide_many(np.ones((2, 3)), [0, 0], [0, 0], THRESHOLDS)


def test_sets_hold_classes_at_their_level() -> None:
    members = prediction_sets([[0.32, 0.25, 0.36, 0.07]], THRESHOLDS)[0]
    assert [name for name, member in zip(CLASSES, members, strict=True) if member] == [
        "edible",
        "poisonous",
        "deadly",
    ]
