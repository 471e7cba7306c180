"""Bursts: near-equal photos from one key within minutes, which no session ties together.

Somebody who photographs one mushroom several times sends photos that depend on each other; taken
for independent ones they make ordinary nights look strange. Curation groups near-equal pictures of
a training set by the same fingerprints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from mycovigil.references.clusters import Clusters
from mycovigil.vision.image.fingerprint import Fingerprints

# Longest time between two photos of a burst.
BURST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Sent:
    """A photo without a session: the answer that it belongs to, the key that sent it, and when."""

    answer: str
    key: str
    at: datetime
    fingerprint: bytes


def bursts(photos: Sequence[Sent]) -> list[str | None]:
    """The group of each photo: those of one answer, and of one burst, have one; a photo that stands
    alone has none. A group is named after its first answer."""
    order = sorted(range(len(photos)), key=lambda n: (photos[n].key, photos[n].at, n))
    sent = [photos[n] for n in order]
    clusters = Clusters(len(sent))
    first: dict[str, int] = {}
    clusters.join((first.setdefault(photo.answer, n), n) for n, photo in enumerate(sent))
    clusters.join(_near_pairs(sent))
    names: list[str | None] = [None] * len(photos)
    for members in clusters.members():
        if len(members) > 1:
            name = f"photos/{min(sent[n].answer for n in members)}"
            for n in members:
                names[order[n]] = name
    return names


def _near_pairs(sent: Sequence[Sent]) -> list[tuple[int, int]]:
    """Places of near-equal photos of one key within :data:`BURST`, given by key and time."""
    pictures = Fingerprints.of([photo.fingerprint for photo in sent])
    times = np.array([photo.at.timestamp() for photo in sent])
    keys = np.unique([photo.key for photo in sent], return_inverse=True)[1]
    found: list[tuple[int, int]] = []
    for step in range(1, len(sent)):
        left = _close(times, keys, step)
        if not len(left):
            break
        near = left[pictures.near(left, left + step)]
        found += [(int(n), int(n) + step) for n in near]
    return found


def _close(times: NDArray[np.float64], keys: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Places from which the photo ``step`` places later is of the same key and not too late."""
    same = keys[step:] == keys[:-step]
    soon = times[step:] - times[:-step] <= BURST.total_seconds()
    return np.flatnonzero(same & soon)
