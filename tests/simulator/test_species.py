"""The catalogue: balanced, consistent, with look-alikes across the safety border."""

from collections import Counter

import numpy as np
import pytest

from mycovigil_simulator.caption import describe
from mycovigil_simulator.species import NOVEL, SAFETY_CLASSES, SPECIES, by_name
from mycovigil_simulator.taxon import Species


def test_classes_are_balanced() -> None:
    counts = Counter(species.safety_class for species in SPECIES)
    assert len(SPECIES) >= 24
    assert set(counts) == set(SAFETY_CLASSES)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_names_are_unique_and_found() -> None:
    names = [species.name for species in SPECIES + NOVEL]
    assert len(set(names)) == len(names)
    assert all(by_name(name).name == name for name in names)
    with pytest.raises(KeyError, match="amanita_phalloides"):
        by_name("psilocybe_imaginaria")


def test_look_alikes_exist_and_cross_the_safety_border() -> None:
    crossing = set()
    for species in SPECIES + NOVEL:
        for other in species.look_alikes:
            assert other != species.name
            if by_name(other).safety_class != species.safety_class:
                crossing.add(species.name)
    assert len(crossing) >= 20
    assert {"galerina_marginata", "amanita_phalloides", "gyromitra_esculenta"} <= crossing


def test_a_novel_deadly_species_resembles_a_common_edible_one() -> None:
    deadly = [species for species in NOVEL if species.safety_class == "deadly"]
    assert len(NOVEL) >= 3
    resembled = [by_name(other) for species in deadly for other in species.look_alikes]
    assert any(species.safety_class == "edible" for species in resembled)


@pytest.mark.parametrize("species", SPECIES + NOVEL, ids=lambda species: species.name)
def test_traits_are_sane(species: Species) -> None:
    assert species.genus == species.name.split("_")[0]
    assert all(1 <= month <= 12 for month in species.months)
    for low, high in (species.cap.radius, species.stem.length, species.stem.radius):
        assert 0 < low <= high < 30
    assert 1 <= species.group[0] <= species.group[1] <= 10


def test_captions_name_the_species_and_its_danger() -> None:
    species = by_name("amanita_phalloides")
    captions = [describe(species, np.random.default_rng(seed)) for seed in range(40)]
    assert all("Amanita phalloides" in caption and "deadly" in caption for caption in captions)
    assert any("olive green cap" in caption for caption in captions)
    assert any("volva" in caption for caption in captions)
    assert len(set(captions)) > 20
    assert captions[3] == describe(species, np.random.default_rng(3))
