"""Rendering: same seed, same bytes; every species gives a picture of its own."""

import numpy as np
import pytest

from mycovigil_simulator.arrays import Array
from mycovigil_simulator.camera import PHONE
from mycovigil_simulator.photo import render, render_empty
from mycovigil_simulator.species import NOVEL, SPECIES, by_name
from mycovigil_simulator.taxon import Species

SIZE = 64


@pytest.mark.parametrize("species", SPECIES + NOVEL, ids=lambda species: species.name)
def test_every_species_renders(species: Species) -> None:
    photo = render(species, seed=5, size=SIZE, camera=PHONE)
    assert photo.pixels.shape == (SIZE, SIZE, 3)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.std() > 12
    assert (photo.species, photo.safety_class) == (species.name, species.safety_class)
    assert photo.specimen == f"{species.name}-5"
    assert species.latin in photo.caption


def test_the_same_seed_gives_the_same_bytes() -> None:
    species = by_name("amanita_muscaria")
    first = render(species, seed=11, size=SIZE, camera=PHONE)
    render(by_name("morchella_esculenta"), seed=1, size=SIZE)  # leaves no trace
    again = render(species, seed=11, size=SIZE, camera=PHONE)
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert first.caption == again.caption


def test_another_seed_is_another_specimen() -> None:
    species = by_name("amanita_muscaria")
    pixels = {render(species, seed=seed, size=SIZE).pixels.tobytes() for seed in range(6)}
    assert len(pixels) == 6


def test_views_of_one_specimen_are_alike_but_differ() -> None:
    species = by_name("boletus_edulis")
    views = [render(species, seed=3, size=SIZE, view=view) for view in range(3)]
    assert len({photo.specimen for photo in views}) == 1
    assert len({photo.pixels.tobytes() for photo in views}) == 3


def test_colours_follow_the_species() -> None:
    def centre(name: str) -> Array:
        shots = [render(by_name(name), seed=seed, size=SIZE).pixels for seed in range(6)]
        return np.asarray(
            np.mean([shot[12:44, 16:48].reshape(-1, 3).mean(0) for shot in shots], axis=0)
        )

    red, white = centre("amanita_muscaria"), centre("amanita_virosa")
    yellow, violet = centre("hypholoma_fasciculare"), centre("laccaria_amethystina")
    assert red[0] - red[1] > white[0] - white[1] + 15
    assert yellow[2] < violet[2]
    assert white.mean() > violet.mean()


def test_sizes_and_the_clean_scene() -> None:
    species = by_name("galerina_marginata")
    assert render(species, seed=2, size=96).pixels.shape == (96, 96, 3)
    clean, shot = (render(species, seed=2, size=SIZE, camera=camera) for camera in (None, PHONE))
    assert clean.camera is None
    assert shot.camera == PHONE
    assert clean.pixels.tobytes() != shot.pixels.tobytes()


def test_empty_ground_has_no_class() -> None:
    photos = [render_empty(seed=seed, size=SIZE, camera=PHONE) for seed in range(8)]
    assert all(photo.safety_class is None for photo in photos)
    assert all("no mushroom" in photo.caption for photo in photos)
    assert len({photo.pixels.tobytes() for photo in photos}) == 8
    again = render_empty(seed=0, size=SIZE, camera=PHONE)
    assert again.pixels.tobytes() == photos[0].pixels.tobytes()
