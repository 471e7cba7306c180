"""What is compared: each recipe learns from some rows and gives probabilities for others."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.calibration import balanced_weights, vector_scaling
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.encoder.evaluate.scores import linear_probe, nearest_votes
from mycovigil_training.head.fitting import fit
from mycovigil_training.model.cross_fit import cross_fitted

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """``features`` (n, d), ``colours`` (n, 216) histograms, ``labels`` (n,) class numbers,
    ``species`` (n,), ``groups`` (n,) specimens."""

    features: NDArray[np.float32]
    colours: NDArray[np.float32]
    labels: NDArray[np.int64]
    species: NDArray[np.str_]
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[Any]) -> "Rows":
        return Rows(
            self.features[rows],
            self.colours[rows],
            self.labels[rows],
            self.species[rows],
            self.groups[rows],
        )


def majority(learned: Rows, judged: Rows) -> Probabilities:
    """The shares of the classes, whatever the photo."""
    shares = np.bincount(learned.labels, minlength=len(CLASSES)) / len(learned)
    return np.tile(shares, (len(judged), 1))


def colour_histogram(learned: Rows, judged: Rows) -> Probabilities:
    """A class-balanced logistic model of colours alone."""
    return _logistic(learned.colours, learned.labels, judged.colours)


def nearest_neighbours(learned: Rows, judged: Rows) -> Probabilities:
    """Votes of the 10 nearest photos, weighted against the frequency of their class."""
    votes = 1e-9 + nearest_votes(
        learned.features, learned.labels, len(CLASSES), judged.features, balanced=True
    )
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def probe(learned: Rows, judged: Rows) -> Probabilities:
    """A class-balanced logistic model of the encoder's features."""
    return _logistic(learned.features, learned.labels, judged.features)


def species_probe(learned: Rows, judged: Rows) -> Probabilities:
    """A logistic model of species, whose probabilities are summed to safety classes; each class
    weighs the same, and within it each species."""
    names = np.where(learned.species == "", learned.labels.astype(np.str_), learned.species)
    names = np.char.add(np.char.add(learned.labels.astype(np.str_), "|"), names)
    known, index = np.unique(names, return_inverse=True)
    classes = np.array([int(name.split("|", 1)[0]) for name in known.tolist()])
    species_in_class = np.bincount(classes, minlength=len(CLASSES))[classes]
    weights = 1.0 / (np.bincount(index) * species_in_class)
    by_species = _logistic(
        learned.features, index, judged.features, weights[index] * len(index) / len(CLASSES)
    )
    found = np.zeros((len(judged), len(CLASSES)))
    np.add.at(found.T, classes, by_species.T[: len(known)])
    return found


def head(config: TrainConfig) -> "Recipe":
    """What ``mycovigil train`` fits: a linear layer of species, summed to classes and calibrated
    out of fold."""

    def fitted(learned: Rows, judged: Rows) -> Probabilities:
        rows = (learned.features, learned.labels, learned.species)
        layer = fit(*rows, None, config.head, seed=config.seed)
        found = cross_fitted(*rows, learned.groups, config)
        logits = layer.logits(learned.features) if found is None else found
        equal = balanced_weights(learned.labels, len(CLASSES))
        scaling = vector_scaling(logits, learned.labels, equal)
        return scaling.probabilities(layer.logits(judged.features))

    return fitted


Recipe = Callable[[Rows, Rows], Probabilities]


def recipes(config: TrainConfig) -> Mapping[str, Recipe]:
    """By name, from chance to the best."""
    return {
        "majority": majority,
        "colour histogram": colour_histogram,
        "nearest neighbours": nearest_neighbours,
        "probe": probe,
        "species probe": species_probe,
        "head": head(config),
    }


def _logistic(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    judged: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
) -> Probabilities:
    """(n, c) probabilities of every class up to the highest that was learned, and of the four at
    least."""
    model = linear_probe(None if weights is not None else "balanced")
    more = {} if weights is None else {"logisticregression__sample_weight": weights}
    with warnings.catch_warnings():
        # scikit-learn asks whether as many species as photos are numbers to regress on.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(features, labels, **more)
    found = np.zeros((len(judged), max(len(CLASSES), int(labels.max()) + 1)))
    found[:, model.classes_] = model.predict_proba(judged)
    return found
