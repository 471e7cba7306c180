"""Figures of probabilities beside the truth, with intervals."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.calibration import balanced_weights, expected_calibration_error
from mycovigil_statistics.safety.proportions import interval
from mycovigil_training.evaluate.poison_cost import poison_cost
from mycovigil_training.model.evaluation import DEADLY, HARMFUL, confusion, macro_recall

RESAMPLES = 1_000
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
DEADLY_RECALLS = (0.99, 0.95, 0.9, 0.8, 0.5)


def measures(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    species: NDArray[np.str_],
    groups: NDArray[np.str_],
    *,
    seed: int,
) -> dict[str, Any]:
    """Of (n, 4) probabilities and what is known of n photos, as JSON.

    Intervals of recalls are exact (Clopper-Pearson) and count photos; that of the macro recall
    comes from resampling specimens.
    """
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    right = predicted == labels
    low, high = macro_recall_interval(predicted, labels, groups, seed=seed)
    return {
        "photos": len(labels),
        "specimens": len(np.unique(groups)),
        "macro_recall": macro_recall(predicted, labels),
        "macro_recall_low": low,
        "macro_recall_high": high,
        "macro_f1": float(f1_score(labels, predicted, average="macro")),
        "recall": {
            name.value: _share(right[labels == number])
            for number, name in enumerate(CLASSES)
            if (labels == number).any()
        },
        "recall_by_species": {
            str(name): _share(right[species == name]) for name in np.unique(species) if name
        },
        "auroc": _auroc(probabilities, labels),
        "harmful_auroc": _two(roc_auc_score, np.isin(labels, HARMFUL), _harm(probabilities)),
        "calibration_error": expected_calibration_error(probabilities, labels),
        "balanced_calibration_error": expected_calibration_error(
            probabilities, labels, balanced_weights(labels, len(CLASSES))
        ),
        "poison_cost": asdict(poison_cost(probabilities, labels)),
        "risk_coverage": _risk_coverage(probabilities.max(axis=1), right),
        "deadly": _deadly(probabilities[:, DEADLY], labels == DEADLY),
        "confusion": confusion(predicted, labels).tolist(),
    }


def macro_recall_interval(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], groups: NDArray[np.str_], *, seed: int
) -> tuple[float, float]:
    """95% interval by resampling the specimens of each class."""
    random = np.random.default_rng(seed)
    total = np.zeros(RESAMPLES)
    present = np.unique(labels)
    for label in present:
        rows = labels == label
        _, group = np.unique(groups[rows], return_inverse=True)
        right = np.bincount(group, weights=predicted[rows] == label)
        photos = np.bincount(group)
        drawn = random.integers(0, len(photos), (RESAMPLES, len(photos)))
        total += right[drawn].sum(axis=1) / photos[drawn].sum(axis=1)
    low, high = np.quantile(total / len(present), [0.025, 0.975])
    return float(low), float(high)


def _harm(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(probabilities[:, list(HARMFUL)].sum(axis=1))


def _auroc(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Mean over the classes, each against the rest."""
    found = [
        _two(roc_auc_score, labels == number, probabilities[:, number])
        for number in np.unique(labels)
    ]
    known = [one for one in found if one is not None]
    return float(np.mean(known)) if known else None


def _two(score: Any, truth: NDArray[np.bool_], values: NDArray[np.float64]) -> float | None:
    """A score of two classes; None where only one occurs."""
    return float(score(truth, values)) if truth.any() and not truth.all() else None


def _risk_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of wrong answers among the surest photos; ``area`` is its mean over coverages."""
    order = np.argsort(-confidence, kind="stable")
    risk = np.cumsum(~right[order]) / np.arange(1, len(right) + 1)
    places = [max(round(coverage * len(right)) - 1, 0) for coverage in COVERAGES]
    return {
        "area": float(risk.mean()),
        "curve": [
            [coverage, float(risk[place])]
            for coverage, place in zip(COVERAGES, places, strict=True)
        ],
    }


def _deadly(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> dict[str, Any] | None:
    """Average precision of the deadly class, and the precision at which recalls are bought."""
    if not truth.any():
        return None
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(truth[order])
    recall, precision = found / truth.sum(), found / np.arange(1, len(truth) + 1)
    return {
        "average_precision": float(average_precision_score(truth, score)),
        "share": float(truth.mean()),
        "precision_at_recall": [
            [wanted, float(precision[int(np.argmax(recall >= wanted))])]
            for wanted in DEADLY_RECALLS
        ],
    }


def _share(right: NDArray[np.bool_]) -> dict[str, Any]:
    return asdict(interval(int(right.sum()), len(right)))
