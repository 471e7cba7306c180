"""What the head tells apart: the species of each safety class, and what each photo teaches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES
from mycovigil_statistics.safety.calibration import balanced_weights


class TooFewPhotos(ValueError):
    """A class (or the training part) has no photo to learn from."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """S outputs in order of their class: ``classes`` (S,) class numbers, ``species`` (S,) names,
    empty for the one output of a class
    without named species; ``targets`` (n,) of the photos: an
    output, or S + c for any output of class c, where only the class is known."""

    classes: NDArray[np.int64]
    species: tuple[str, ...]
    targets: NDArray[np.int64]

    def weights(self, labels: NDArray[np.int64], power: float) -> NDArray[np.float64]:
        """(n,) of mean 1: photos of a rare class weigh more, and within it those of a rare species;
        ``power`` 1 makes all classes equal and 0 all photos."""
        found = balanced_weights(labels, len(CLASSES), power=power)
        within = balanced_weights(self.targets, len(self.classes) + len(CLASSES), power=power)
        for number in np.unique(labels):
            rows = labels == number
            within[rows] /= within[rows].mean()
        found *= within
        return np.asarray(found / found.mean())


def outputs_of(labels: NDArray[np.int64], species: NDArray[np.str_]) -> Outputs:
    """The outputs for photos of these classes (n,) and species (n,), empty where unknown.

    A species that two classes claim has an output in each; a class without photos has one, which
    nothing teaches.
    """
    pairs = [
        (number, name)
        for number in range(len(CLASSES))
        for name in np.unique(species[(labels == number) & (species != "")]).tolist() or [""]
    ]
    place = {pair: output for output, pair in enumerate(pairs)}
    targets = [
        place.get((label, name), len(pairs) + label)
        for label, name in zip(labels.tolist(), species.tolist(), strict=True)
    ]
    classes = np.array([number for number, _ in pairs], np.int64)
    return Outputs(classes, tuple(name for _, name in pairs), np.array(targets, np.int64))


def require_every_class(labels: NDArray[np.int64]) -> None:
    """What is served has to know all four classes.

    Raises:
        TooFewPhotos: a class has no photo.
    """
    absent = [name for number, name in enumerate(CLASSES) if not (labels == number).any()]
    if absent:
        raise TooFewPhotos(f"no photo to learn {', '.join(absent)} from: add some and curate again")
