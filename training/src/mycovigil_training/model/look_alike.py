"""Look-alikes: what a photo may be confused with, above all across the border of safety."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.safety import CLASSES, SafetyClass

HARMFUL = {CLASSES.index(SafetyClass.POISONOUS), CLASSES.index(SafetyClass.DEADLY)}
MOST = 3


def look_alikes(
    features: NDArray[np.float32], labels: NDArray[np.int64], species: NDArray[np.str_]
) -> dict[str, list[str]]:
    """Names (with their class) by species and by class, the likest first.

    A species is compared by its mean feature. For a class and for a species that harms nobody,
    harmful look-alikes come first: they are what one must be warned of.
    """
    names, index = np.unique(species, return_inverse=True)
    known = [row for row, name in enumerate(names) if name]
    if len(known) < 2:
        return {}
    means = np.stack([features[index == row].mean(axis=0) for row in known])
    means = means - means.mean(axis=0)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    kinds = [int(np.bincount(labels[index == row]).argmax()) for row in known]
    likeness = means @ means.T
    labelled = [
        f"{names[row]} ({CLASSES[kind].value})" for row, kind in zip(known, kinds, strict=True)
    ]
    found = {
        str(names[row]): [labelled[i] for i in _nearest(likeness[position], position, kinds)]
        for position, row in enumerate(known)
    }
    return found | _by_class(likeness, kinds, labelled)


def _nearest(likeness: NDArray[np.float32], own: int, kinds: list[int]) -> list[int]:
    warn = kinds[own] not in HARMFUL
    others = [i for i in range(len(kinds)) if i != own]
    others.sort(key=lambda i: -likeness[i])
    closest = others[: 2 * MOST]
    if warn:
        closest.sort(key=lambda i: kinds[i] not in HARMFUL)
    return closest[:MOST]


def _by_class(
    likeness: NDArray[np.float32], kinds: list[int], labelled: list[str]
) -> dict[str, list[str]]:
    """For each class the harmful species of another class that come nearest to one of its own."""
    found: dict[str, list[str]] = defaultdict(list)
    for number, name in enumerate(CLASSES):
        own = [i for i, kind in enumerate(kinds) if kind == number]
        rest = [i for i, kind in enumerate(kinds) if kind != number and kind in HARMFUL]
        if own and rest:
            closest = likeness[np.ix_(own, rest)].max(axis=0)
            found[name.value] = [labelled[rest[i]] for i in np.argsort(-closest)[:MOST]]
    return dict(found)
