"""Give every species one name and one safety class, and list where sources disagree."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mycovigil_training.dataset.classes.species_table import Species, SpeciesTable
from mycovigil_training.dataset.manifest import ListedPhoto
from mycovigil_training.dataset.species import DANGER


@dataclass(frozen=True, slots=True)
class ClassConflict:
    """``found``: the classes a species stood under, and its photos under each; ``source`` says who
    decided: the table's source, or the rule."""

    species: str
    found: dict[str, int]
    settled: str
    source: str


MORE_DANGEROUS = "the more dangerous of the data set's classes: the species table has no row"


def settled(
    photos: Iterable[ListedPhoto], table: SpeciesTable
) -> tuple[list[ListedPhoto], list[ClassConflict], dict[str, str]]:
    """Photos under accepted names, each species in one class; the rest stays as it is.

    The table decides, but a packaged row makes no species less dangerous than the data set does;
    what it does not know gets the most dangerous of its classes.

    Returns: the photos, in order; the species whose classes disagree; accepted names by those that
    were changed.
    """
    found = list(photos)
    renamed = {
        photo.species: name
        for photo in found
        if photo.species and (name := table.accepted(photo.species)) != photo.species
    }
    found = [replace(photo, species=renamed.get(photo.species, photo.species)) for photo in found]
    decided: dict[str, str] = {}
    conflicts = []
    for species, counts in sorted(_counted(found).items()):
        row = table.find(species)
        decided[species], source = _decided(row, counts)
        if set(counts) != {row.safety_class if row and row.safety_class else decided[species]}:
            conflicts.append(ClassConflict(species, counts, decided[species], source))
    return (
        [
            replace(photo, safety_class=decided[photo.species]) if _classed(photo) else photo
            for photo in found
        ],
        conflicts,
        dict(sorted(renamed.items())),
    )


def _decided(row: Species | None, counts: dict[str, int]) -> tuple[str, str]:
    """The class of a species and who says so."""
    ordered = sorted(counts, key=DANGER.__getitem__)
    if row is None or not row.safety_class:
        return ordered[-1], MORE_DANGEROUS
    if row.packaged and DANGER[row.safety_class] < DANGER[ordered[0]]:
        return ordered[0], f"the data set's own; the species table says {row.safety_class}"
    return row.safety_class, row.source


def _counted(photos: Iterable[ListedPhoto]) -> dict[str, dict[str, int]]:
    """Photos by species and class, the most dangerous class first."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for photo in photos:
        if _classed(photo):
            counts[photo.species][photo.safety_class] += 1
    return {
        species: {name: found[name] for name in reversed(DANGER) if name in found}
        for species, found in counts.items()
    }


def _classed(photo: ListedPhoto) -> bool:
    return bool(photo.species) and photo.safety_class in DANGER
