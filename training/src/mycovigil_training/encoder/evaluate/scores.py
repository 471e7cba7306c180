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
Features = NDArray[np.float32]
Labels = NDArray[np.str_]


def nearest_labels(
    reference: Features, labels: Labels, query: Features, *, balanced: bool
) -> Labels:
    """Label each query row by its 10 nearest reference rows (cosine), as in DINO's kNN protocol.

    Votes weigh exp(cosine / 0.07). With `balanced`, a vote also weighs the inverse frequency of
    its class, which balanced accuracy asks for.
    """
    classes, code = np.unique(labels, return_inverse=True)
    frequency = np.bincount(code) if balanced else np.ones(len(classes))
    cosine = _unit(query) @ _unit(reference).T
    near = np.argpartition(-cosine, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    weight = np.exp(np.take_along_axis(cosine, near, 1) / 0.07) / frequency[code[near]]
    votes = np.zeros((len(query), len(classes)))
    np.add.at(votes, (np.arange(len(query))[:, None], code[near]), weight)
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
