"""Which photos of an archive are kept, where only some of each species are wanted."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from mycovigil_training.dataset.layout import CLASSES_FOLDER, SUFFIXES
from mycovigil_training.dataset.species import class_of


def species_of(name: str) -> tuple[str, str] | None:
    """Class and species folder of a photo's path in an archive; None for what is no photo."""
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).suffix.lower() not in SUFFIXES:
        return None
    for place in range(len(parts) - 2):
        known = class_of(parts[place])
        if known and (place == 0 or parts[place - 1] == CLASSES_FOLDER):
            return known, parts[place + 1]
    return None


def rank(name: str) -> bytes:
    """Photos of the least ranks are kept, whichever order they come in."""
    return hashlib.sha256(name.encode()).digest()


def sampled(names: Iterable[str], most: int) -> list[str]:
    """``most`` names of each species, in their order; all with ``most`` = 0."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    everything = list(names)
    if not most:
        return everything
    for name in everything:
        if species := species_of(name):
            found[species].append(name)
    kept = {name for group in found.values() for name in sorted(group, key=rank)[:most]}
    return [name for name in everything if name in kept]
