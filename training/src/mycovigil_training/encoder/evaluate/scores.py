"""Scores of features on held-out photos: nearest neighbours, mushroom or not, linear head."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NEIGHBOURS = 10
TEMPERATURE = 0.07
Features = NDArray[np.float32]
Labels = NDArray[np.str_]


def nearest_votes(
    reference: Features,
    code: NDArray[np.int64],
    classes: int,
    query: Features,
    *,
    balanced: bool,
) -> NDArray[np.float64]:
    """`(n, classes)` votes of the 10 nearest reference rows (cosine), as in DINO's kNN protocol.

    A vote weighs exp((cosine - 1) / 0.07). With `balanced`, it also weighs the inverse frequency
    of its class, which balanced accuracy asks for.
    """
    frequency = np.bincount(code, minlength=classes) if balanced else np.ones(classes)
    cosine = _unit(query) @ _unit(reference).T
    count = min(NEIGHBOURS, len(reference))
    near = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
    weight = np.exp((np.take_along_axis(cosine, near, 1) - 1) / TEMPERATURE)
    votes = np.zeros((len(query), classes))
    places = np.arange(len(query))[:, np.newaxis]
    np.add.at(votes, (places, code[near]), weight / frequency[code[near]])
    return votes


def nearest_labels(
    reference: Features, labels: Labels, query: Features, *, balanced: bool
) -> Labels:
    """The label of each query row that has the most of :func:`nearest_votes`."""
    classes, code = np.unique(labels, return_inverse=True)
    votes = nearest_votes(reference, code, len(classes), query, balanced=balanced)
    return np.asarray(classes[votes.argmax(1)])


def nearest_balanced_accuracy(
    reference: Features, labels: Labels, query: Features, truth: Labels
) -> float:
    """Mean recall over the classes of `truth` by nearest neighbours."""
    return float(
        balanced_accuracy_score(truth, nearest_labels(reference, labels, query, balanced=True))
    )


def nearest_accuracy(reference: Features, labels: Labels, query: Features, truth: Labels) -> float:
    """Share of `query` rows that nearest neighbours label right."""
    return float((nearest_labels(reference, labels, query, balanced=False) == truth).mean())


def detection_auroc(
    positives: Features, negatives: Features, held_positives: Features, held_negatives: Features
) -> float:
    """Area under the ROC curve of a logistic probe, fitted on the first two, on the others."""
    probe = linear_probe()
    probe.fit(
        np.concatenate([positives, negatives]),
        np.repeat([1, 0], [len(positives), len(negatives)]),
    )
    score = probe.decision_function(np.concatenate([held_positives, held_negatives]))
    truth = np.repeat([1, 0], [len(held_positives), len(held_negatives)])
    return float(roc_auc_score(truth, score))


def linear_macro_recall(
    features: Features, labels: Labels, held_features: Features, held_labels: Labels
) -> float:
    """Mean recall over classes of a class-balanced logistic head."""
    head = linear_probe().fit(features, labels)
    return float(recall_score(held_labels, head.predict(held_features), average="macro"))


def linear_probe(class_weight: str | None = "balanced") -> Any:
    """An unfitted logistic model of standardised features; each class weighs the same."""
    head = LogisticRegression(max_iter=2000, class_weight=class_weight, C=0.1)
    return make_pipeline(StandardScaler(), head)


def _unit(rows: Features) -> Features:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), dtype=np.float32)
