"""The gate: passes an equal model, refuses a worse one, and says when it cannot tell."""

from dataclasses import replace

import numpy as np
import pytest

from mycovigil.models.safety import Advice
from mycovigil_training.configuration import GateConfig
from mycovigil_training.model.scoring import Answers
from mycovigil_training.retrain.gate import PairedAnswers, judge

CONFIG = GateConfig(recall_tolerance=0.02, alpha=0.05)
LABELS = np.repeat(np.arange(4), 80)


def answers(labels: np.ndarray, *, missed: int = 0, wrong: int = 0) -> Answers:
    """Right but for ``wrong`` edible photos, and ``missed`` deadly ones sent to an expert."""
    predicted = labels.copy()
    predicted[:wrong] = 2
    given = np.where(labels >= 2, Advice.AVOID.value, Advice.EXPERT_CHECK.value)
    given[np.flatnonzero(labels == 3)[:missed]] = Advice.EXPERT_CHECK.value
    chances = 0.9 * np.eye(4)[predicted] + 0.025
    return Answers(chances, np.zeros(len(labels)), given)


def paired_answers(
    candidate: Answers,
    production: Answers,
    *,
    labels: np.ndarray = LABELS,
    drifted: np.ndarray | None = None,
) -> PairedAnswers:
    return PairedAnswers(
        labels=labels,
        groups=np.array([f"specimen {n}" for n in range(len(labels))]),
        drifted=np.zeros(len(labels), dtype=bool) if drifted is None else drifted,
        candidate=candidate,
        production=production,
    )


def test_an_equal_model_passes() -> None:
    same = answers(LABELS, missed=1)
    evidence = judge(paired_answers(same, same), CONFIG, against="m", margin=0.05)
    assert evidence["passed"] is True
    assert evidence["against"] == "m"
    assert evidence["misses"]["upper"] < 0.05


def test_more_deadly_misses_are_refused() -> None:
    evidence = judge(
        paired_answers(answers(LABELS, missed=4), answers(LABELS)), CONFIG, against="m", margin=0.05
    )
    assert evidence["passed"] is False
    assert "Not shown that deadly misses do not grow" in evidence["reason"]


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
    evidence = judge(case, CONFIG, against="m", margin=0.05)
    assert evidence["misses"]["outcome"] == "non_inferior"
    assert evidence["misses_within"] == pytest.approx({"difference": 0.2, "upper": 0.2})
    assert evidence["passed"] is False
    assert "Of a deadly specimen's photos 20.0% more are missed" in evidence["reason"]


def test_too_few_deadly_photos_are_refused_with_the_number_needed() -> None:
    labels = np.repeat(np.arange(4), 20)
    same = answers(labels)
    evidence = judge(paired_answers(same, same, labels=labels), CONFIG, against="m", margin=0.05)
    assert evidence["passed"] is False
    assert "20 specimens, and 59 are needed" in evidence["reason"]
    assert evidence["misses"]["outcome"] == "too_few"


def test_a_fall_of_recall_is_refused() -> None:
    evidence = judge(
        paired_answers(answers(LABELS, wrong=20), answers(LABELS)), CONFIG, against="m", margin=0.05
    )
    assert evidence["passed"] is False
    assert "Macro recall fell from 1.000 to 0.938" in evidence["reason"]
    small = judge(
        paired_answers(answers(LABELS, wrong=4), answers(LABELS)), CONFIG, against="m", margin=0.05
    )
    assert small["passed"] is True


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        ({"missed": 1}, "misses 1 deadly photos, production 0"),
        ({"wrong": 5}, "macro recall is lower"),
    ],
)
def test_worse_on_the_drifted_nights_is_refused(candidate: dict[str, int], words: str) -> None:
    drifted = np.zeros(len(LABELS), dtype=bool)
    drifted[:6] = drifted[LABELS == 3] = True
    evidence = judge(
        paired_answers(answers(LABELS, **candidate), answers(LABELS), drifted=drifted),
        CONFIG,
        against="m",
        margin=0.1,
    )
    assert evidence["passed"] is False
    assert words in evidence["reason"]


def test_a_few_photos_of_the_drifted_nights_do_not_decide_by_chance() -> None:
    drifted = np.zeros(len(LABELS), dtype=bool)
    drifted[:6] = True
    evidence = judge(
        paired_answers(answers(LABELS, wrong=2), answers(LABELS), drifted=drifted),
        CONFIG,
        against="m",
        margin=0.1,
    )
    assert evidence["passed"] is True
    assert evidence["drifted"]["p_worse"] == 0.25


def test_no_photos_at_all_is_json_and_refused() -> None:
    none = np.empty(0, dtype=int)
    empty = Answers(np.empty((0, 4)), np.empty(0), np.empty(0, dtype=str))
    evidence = judge(paired_answers(empty, empty, labels=none), CONFIG, against="m", margin=0.05)
    assert evidence["passed"] is False
    assert evidence["macro_recall"] == {"candidate": None, "production": None}
