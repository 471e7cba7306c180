"""The gate: passes an equal model, refuses a worse one, and says when it cannot tell."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mycovigil.models.safety import Advice
from mycovigil.settings import TrainingSettings
from mycovigil_training.model.scoring import Answers
from mycovigil_training.retrain.criteria import Limits, PairedAnswers
from mycovigil_training.retrain.gate import Role, judge

LIMITS = Limits(margin=0.05, useful_margin=0.05, alpha=0.05)
LABELS = np.repeat(np.arange(4), 80)


def answers(
    labels: np.ndarray, *, missed: int = 0, poisonous: int = 0, refused: int = 0, wrong: int = 0
) -> Answers:
    """Useful answers, but for ``missed`` deadly and ``poisonous`` photos sent to an expert, and
    ``refused`` edible ones; the class of ``wrong`` edible ones is wrong, their advice is not."""
    predicted = labels.copy()
    predicted[:wrong] = 1
    given = np.where(labels >= 2, Advice.AVOID.value, Advice.EXPERT_CHECK.value)
    given[np.flatnonzero(labels == 3)[:missed]] = Advice.EXPERT_CHECK.value
    given[np.flatnonzero(labels == 2)[:poisonous]] = Advice.EXPERT_CHECK.value
    given[np.flatnonzero(labels == 0)[:refused]] = Advice.CANNOT_TELL.value
    chances = 0.9 * np.eye(4)[predicted] + 0.025
    return Answers(chances, np.zeros(len(labels)), given)


def paired_answers(
    candidate: Answers,
    theirs: Answers,
    *,
    labels: np.ndarray = LABELS,
    drifted: np.ndarray | None = None,
) -> PairedAnswers:
    return PairedAnswers(
        labels=labels,
        groups=np.array([f"specimen {n}" for n in range(len(labels))]),
        drifted=np.zeros(len(labels), dtype=bool) if drifted is None else drifted,
        candidate=candidate,
        theirs=theirs,
        opponent="20261122-1",
    )


def alone(
    candidate: Answers, production: Answers, **given: np.ndarray
) -> dict[Role, PairedAnswers]:
    return {Role.PRODUCTION: paired_answers(candidate, production, **given)}


def test_an_equal_model_passes() -> None:
    same = answers(LABELS, missed=1, refused=9)
    evidence = judge(alone(same, same), LIMITS)
    assert evidence["passed"] is True
    assert (evidence["spent"], evidence["photos"]) == (0.05, 320)
    found = evidence["comparisons"]["production"]
    assert found["version"] == "20261122-1"
    assert found["deadly"]["upper"] < 0.05
    assert "at most 3.7% more deadly specimens are missed (of 80)" in evidence["reason"]
    json.dumps(evidence, allow_nan=False)


@pytest.mark.parametrize("kind", ["missed", "poisonous"])
def test_more_harmful_misses_are_refused(kind: str) -> None:
    evidence = judge(alone(answers(LABELS, **{kind: 4}), answers(LABELS)), LIMITS)
    assert evidence["passed"] is False
    assert "4 by the candidate only, 0 by the other only, of 80" in evidence["reason"]
    name = {"missed": "deadly", "poisonous": "poisonous"}[kind]
    assert f"not shown about {name} specimens missed" in evidence["reason"]


def test_a_model_that_never_answers_is_refused() -> None:
    """It misses nothing: the gate that only counted misses let it pass."""
    silent = answers(LABELS)
    silent.verdicts[:] = Advice.CANNOT_TELL.value
    evidence = judge(alone(silent, answers(LABELS)), LIMITS)
    assert "not shown about useful answers lost: up to 100.0% more" in evidence["reason"]
    assert evidence["comparisons"]["production"]["deadly"]["passed"] is True
    careful = answers(LABELS)
    careful.verdicts[:] = Advice.AVOID.value
    assert judge(alone(careful, answers(LABELS)), LIMITS)["passed"] is False


def test_few_lost_answers_pass_and_the_likeliest_class_decides_nothing() -> None:
    assert judge(alone(answers(LABELS, refused=4), answers(LABELS)), LIMITS)["passed"] is True
    assert judge(alone(answers(LABELS, refused=30), answers(LABELS)), LIMITS)["passed"] is False
    evidence = judge(alone(answers(LABELS, wrong=60), answers(LABELS)), LIMITS)
    assert evidence["passed"] is True
    assert evidence["comparisons"]["production"]["macro_recall"]["candidate"] < 0.9


def test_small_losses_do_not_add_up_from_model_to_model() -> None:
    """Not shown to be worse than its predecessor, but worse than the first certified model."""
    first, production, candidate = (answers(LABELS, missed=n) for n in (0, 4, 5))
    pairs = alone(candidate, production)
    assert judge(pairs, replace(LIMITS, margin=0.06))["passed"] is True
    both = pairs | {Role.FIRST: paired_answers(candidate, first)}
    evidence = judge(both, replace(LIMITS, margin=0.06))
    assert evidence["passed"] is False
    assert evidence["reason"].startswith(
        "Against the first certified model (20261122-1): not shown"
    )


def test_more_misses_within_specimens_are_refused_although_each_was_missed_before() -> None:
    """By specimens nothing changes: of each walk production misses a photo already."""
    labels = np.repeat(np.arange(4), [80, 80, 80, 600])
    walks = np.arange(600) // 10

    def missing(photos: int) -> Answers:
        found = answers(labels)
        found.verdicts[240:][np.arange(600) % 10 < photos] = Advice.EXPERT_CHECK.value
        return found

    case = replace(
        paired_answers(missing(3), missing(1), labels=labels),
        groups=np.array([f"{n}" for n in range(240)] + [f"walk {n}" for n in walks]),
    )
    evidence = judge({Role.PRODUCTION: case}, LIMITS)
    found = evidence["comparisons"]["production"]
    assert found["deadly"]["passed"] is True
    assert found["deadly_within"]["difference"] == pytest.approx(0.2)
    assert evidence["passed"] is False
    assert "photos of a deadly specimen missed: up to 20.0% more" in evidence["reason"]


def test_too_few_deadly_specimens_are_refused_with_the_number_that_is_lacking() -> None:
    labels = np.repeat(np.arange(4), [80, 80, 80, 20])
    same = answers(labels)
    evidence = judge(alone(same, same, labels=labels), LIMITS)
    assert evidence["passed"] is False
    assert evidence["reason"] == (
        "Against production (20261122-1): too few specimens to tell about deadly specimens missed: "
        "20 are held out and 59 are needed at least, 39 more."
    )
    assert evidence["spent"] == 0.0, "nothing could have passed"


def test_worse_on_the_drifted_nights_is_refused() -> None:
    drifted = LABELS == 3
    evidence = judge(
        alone(answers(LABELS, missed=5), answers(LABELS), drifted=drifted),
        replace(LIMITS, margin=0.2),
    )
    assert evidence["passed"] is False
    assert evidence["reason"] == (
        "Of 80 harmful specimens of the drifted nights it misses 5, production 0."
    )


def test_a_few_photos_of_the_drifted_nights_do_not_decide_by_chance() -> None:
    drifted = np.zeros(len(LABELS), dtype=bool)
    drifted[LABELS == 3] = True
    evidence = judge(
        alone(answers(LABELS, missed=2), answers(LABELS), drifted=drifted),
        replace(LIMITS, margin=0.1),
    )
    assert evidence["passed"] is True
    assert evidence["drifted"]["p_worse"] == 0.25


def test_no_photos_at_all_is_json_and_refused() -> None:
    none = np.empty(0, dtype=int)
    empty = Answers(np.empty((0, 4)), np.empty(0), np.empty(0, dtype=str))
    evidence = judge(alone(empty, empty, labels=none), LIMITS)
    assert evidence["passed"] is False
    json.dumps(evidence, allow_nan=False)


def test_the_level_is_a_share_of_the_years() -> None:
    settings = TrainingSettings()
    first = Limits.of(settings, 0.0)
    assert (first.margin, first.useful_margin) == (0.03, 0.10)
    assert first.alpha == pytest.approx(0.05 / 12)
    assert Limits.of(settings, 0.05 * 11 / 12).alpha == pytest.approx(0.05 / 24)
    same = answers(LABELS)
    evidence = judge(alone(same, same), Limits.of(settings, 0.06))
    assert (evidence["passed"], evidence["spent"]) == (False, 0.0)
    assert "level of this year is used up" in evidence["reason"]
