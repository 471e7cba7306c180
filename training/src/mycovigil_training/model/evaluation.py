"""Figures of a model on photos that nothing of it has seen."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.advice import prediction_sets
from mycovigil.models.bundle import Thresholds
from mycovigil.models.safety import CLASSES, Advice, SafetyClass
from mycovigil_statistics.safety.calibration import balanced_weights, expected_calibration_error
from mycovigil_statistics.safety.proportions import interval
from mycovigil_training.model.scoring import Answers

DEADLY = CLASSES.index(SafetyClass.DEADLY)
HARMFUL = (CLASSES.index(SafetyClass.POISONOUS), DEADLY)


def evaluate(
    answers: Answers,
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    thresholds: Thresholds,
) -> dict[str, Any]:
    """Recalls, deadly misses, calibration, sets and verdicts, with exact intervals, as JSON."""
    if not len(labels):
        return {"photos": 0}
    probabilities, predicted = answers.probabilities, answers.predicted
    missed = deadly_missed(answers.verdicts, labels)
    dead_specimens = specimens_missed(missed, groups[labels == DEADLY])
    return {
        "photos": len(labels),
        "specimens": len(np.unique(groups)),
        "macro_recall": macro_recall(predicted, labels),
        "recall": _by_class(predicted == labels, labels),
        "deadly_missed": asdict(interval(int(missed.sum()), len(missed))),
        "deadly_specimens_missed": asdict(interval(int(dead_specimens.sum()), len(dead_specimens))),
        "calibration_error": expected_calibration_error(probabilities, labels),
        "balanced_calibration_error": expected_calibration_error(
            probabilities, labels, balanced_weights(labels, len(CLASSES))
        ),
        "set_coverage": _by_class(_covered(probabilities, labels, thresholds), labels),
        "mean_set_size": float(prediction_sets(probabilities, thresholds).sum(axis=1).mean()),
        "verdicts": {
            verdict.value: float((answers.verdicts == verdict).mean()) for verdict in Advice
        },
        "confusion": confusion(predicted, labels).tolist(),
    }


def deadly_missed(answers: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each deadly photo: was it answered neither avoid nor cannot_tell?"""
    return neither_avoided_nor_refused(answers[labels == DEADLY])


def neither_avoided_nor_refused(answers: NDArray[np.str_]) -> NDArray[np.bool_]:
    """For each advice: would it be a miss on a poisonous or deadly photo?"""
    return np.asarray(answers == Advice.EXPERT_CHECK)


def useful(answers: NDArray[np.str_], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each photo: was it told what its class asks for, `avoid` for poisonous and deadly ones,
    `expert_check` for the others? `cannot_tell` is never useful."""
    wanted = np.where(np.isin(labels, HARMFUL), Advice.AVOID.value, Advice.EXPERT_CHECK.value)
    return np.asarray(answers == wanted)


def specimens_missed(missed: NDArray[np.bool_], groups: NDArray[np.str_]) -> NDArray[np.bool_]:
    """For each specimen: was any of its photos missed?"""
    names, index = np.unique(groups, return_inverse=True)
    found = np.zeros(len(names), dtype=bool)
    np.logical_or.at(found, index, missed)
    return found


def macro_recall(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur; NaN for no photos."""
    present = np.unique(labels)
    if not len(present):
        return float("nan")
    return float(np.mean([(predicted[labels == c] == c).mean() for c in present]))


def confusion(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(4, 4) counts, rows are the truth."""
    table = np.zeros((len(CLASSES), len(CLASSES)), dtype=np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def _covered(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], thresholds: Thresholds
) -> NDArray[np.bool_]:
    members = prediction_sets(probabilities, thresholds)
    return np.asarray(members[np.arange(len(labels)), labels])


def _by_class(hit: NDArray[np.bool_], labels: NDArray[np.int64]) -> dict[str, Any]:
    return {
        name.value: asdict(interval(int(hit[labels == c].sum()), int((labels == c).sum())))
        for c, name in enumerate(CLASSES)
        if (labels == c).any()
    }
