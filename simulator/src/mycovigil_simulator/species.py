"""All species of the simulated wood, by name."""

from mycovigil_simulator.catalogue.conditional import CONDITIONAL
from mycovigil_simulator.catalogue.deadly import DEADLY
from mycovigil_simulator.catalogue.edible import EDIBLE
from mycovigil_simulator.catalogue.novel import NOVEL_SPECIES
from mycovigil_simulator.catalogue.poisonous import POISONOUS
from mycovigil_simulator.taxon import Species
from mycovigil_simulator.traits import SAFETY_CLASSES

SPECIES: tuple[Species, ...] = EDIBLE + CONDITIONAL + POISONOUS + DEADLY
NOVEL: tuple[Species, ...] = NOVEL_SPECIES

__all__ = ["NOVEL", "SAFETY_CLASSES", "SPECIES", "Species", "by_name"]


def by_name(name: str) -> Species:
    """The species of that name, known or novel.

    Raises:
        KeyError: there is none; the message lists those there are.
    """
    for species in SPECIES + NOVEL:
        if species.name == name:
            return species
    known = ", ".join(species.name for species in SPECIES + NOVEL)
    message = f"no species {name!r}; there are {known}"
    raise KeyError(message)
