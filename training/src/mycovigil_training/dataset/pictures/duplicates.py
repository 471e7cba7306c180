"""Find photos that show one picture: equal bytes, then equal fingerprints, then near ones.

What two fingerprints call equal is looked at again before a photo is dropped: two mushrooms on
one white table have equal fingerprints.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mycovigil.references.clusters import Clusters
from mycovigil.vision.image.fingerprint import SAME_BITS, SAME_COLOUR, Fingerprints
from mycovigil_training.dataset.dropped import Dropped
from mycovigil_training.dataset.pictures.examination import Examined
from mycovigil_training.dataset.pictures.fingerprint import same_picture
from mycovigil_training.dataset.pictures.journal import Journal
from mycovigil_training.dataset.species import DANGER

SAME_BYTES, SAME_PICTURE = "the same file", "the same picture"
PAIRS = 256


def distinct(
    photos: Sequence[Examined], journal: Journal
) -> tuple[list[Examined], list[Dropped], list[tuple[str, str]]]:
    """Of equal pictures the one under the most dangerous class, then the largest.

    Returns: the photos that stay, in order; those that go, each with the one that stays in its
    place; and, of these pairs, the names of those of two species or classes.
    """
    clusters = Clusters(len(photos))
    clusters.join(equal([photo.seen.sha256 for photo in photos]))
    first = [members[0] for members in clusters.members()]
    clusters.join(_same(photos, np.array(first, np.int64), journal))
    kept, dropped, crossing = [], [], []
    for members in clusters.members():
        best = max(members, key=lambda row: _rank(photos[row]))
        kept.append(best)
        for row in members:
            if row != best:
                dropped.append(_dropped(photos[row], photos[best]))
                if _label(photos[row]) != _label(photos[best]):
                    crossing.append((photos[row].name, photos[best].name))
    return [photos[row] for row in sorted(kept)], dropped, crossing


def equal(keys: Iterable[Hashable]) -> Iterator[tuple[int, int]]:
    """The first place of each key with every later one."""
    first: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        if (found := first.setdefault(key, place)) != place:
            yield found, place


def pictures(photos: Iterable[Examined]) -> Fingerprints:
    return Fingerprints.of([photo.seen.picture for photo in photos])


def _same(
    photos: Sequence[Examined], rows: NDArray[np.int64], journal: Journal
) -> Iterator[tuple[int, int]]:
    """Pairs of ``rows`` that show one picture: first those of equal fingerprints, each with the
    first one, so that a placeholder of thousands costs no square of them."""
    prints: dict[bytes, list[int]] = defaultdict(list)
    for row in rows.tolist():
        prints[photos[row].seen.picture].append(row)
    alike = [(places[0], row) for places in prints.values() for row in places[1:]]
    yield from _confirmed(photos, alike, journal)
    first = np.array([places[0] for places in prints.values()], np.int64)
    near = pictures(photos[row] for row in first.tolist())
    pairs = near.pairs(most_bits=SAME_BITS, most_colour=SAME_COLOUR)
    yield from _confirmed(photos, ((int(first[i]), int(first[j])) for i, j in pairs), journal)


def _confirmed(
    photos: Sequence[Examined], pairs: Iterable[tuple[int, int]], journal: Journal
) -> Iterator[tuple[int, int]]:
    """The pairs whose looks show one picture."""
    waiting: list[tuple[int, int]] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == PAIRS:
            yield from _looked_at(photos, waiting, journal)
            waiting = []
    yield from _looked_at(photos, waiting, journal)


def _looked_at(
    photos: Sequence[Examined], pairs: list[tuple[int, int]], journal: Journal
) -> list[tuple[int, int]]:
    if not pairs:
        return []
    places = np.array([[photos[row].look for row in pair] for pair in pairs], np.int64)
    same = same_picture(journal.looks(places[:, 0]), journal.looks(places[:, 1]))
    return [pair for pair, one in zip(pairs, same.tolist(), strict=True) if one]


def _rank(photo: Examined) -> tuple[int, int]:
    return DANGER.get(photo.photo.safety_class, -1), photo.seen.pixels


def _label(photo: Examined) -> tuple[str, str]:
    return photo.photo.species, photo.photo.safety_class


def _dropped(photo: Examined, best: Examined) -> Dropped:
    same = photo.seen.sha256 == best.seen.sha256
    return Dropped(photo.name, SAME_BYTES if same else SAME_PICTURE, best.name)
