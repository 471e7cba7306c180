"""Counts and names of all that a curation saw, left out and changed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mycovigil_training.dataset.classes.settling import ClassConflict
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.species import DANGER


@dataclass
class CurationReport:
    """``content_hash`` names the set; of ``merged_across`` the first photo was dropped for the
    second, which has another species or class; ``alike_across`` are pairs of two species that the
    encoder takes for one mushroom, both kept. Paths are below the source folder."""

    source: str
    content_hash: str = ""
    seen: int = 0
    kept: int = 0
    photos: dict[str, int] = field(default_factory=dict)
    species: dict[str, int] = field(default_factory=dict)
    specimens: dict[str, int] = field(default_factory=dict)
    undecodable: list[str] = field(default_factory=list)
    without_class: int = 0
    ignored: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    merged_across: list[tuple[str, str]] = field(default_factory=list)
    alike_across: list[tuple[str, str]] = field(default_factory=list)
    # The cosine from which on two photos counted as one mushroom; none without an encoder.
    alike_from: float | None = None
    # Species whose classes disagree, and the class that each was given.
    two_classes: dict[str, str] = field(default_factory=dict)
    conflicts: list[ClassConflict] = field(default_factory=list)
    # Accepted names by the synonyms that folders bore.
    renamed: dict[str, str] = field(default_factory=dict)
    # Photos of each kind (lichen, bracket, …) that is no mushroom, kept or left out.
    kinds: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    trimmed: dict[str, int] = field(default_factory=dict)
    # Files whose suffix lied about their format.
    misnamed: int = 0
    bytes_seen: int = 0
    bytes_kept: int = 0
    longer_side: int = 0

    def count(self, photos: Sequence[CuratedPhoto]) -> None:
        """Take in what was kept."""
        self.kept = len(photos)
        self.photos = _by_class(photo.safety_class for photo in photos)
        for name, attribute in (("species", "species"), ("specimens", "group")):
            distinct = {(photo.safety_class, getattr(photo, attribute)) for photo in photos}
            setattr(self, name, _by_class(safety_class for safety_class, _ in distinct))


def _by_class(classes: Iterable[str]) -> dict[str, int]:
    """Counts, the most dangerous class first."""
    found = Counter(classes)
    return {name: found[name] for name in sorted(found, key=lambda name: -DANGER.get(name, -1))}
