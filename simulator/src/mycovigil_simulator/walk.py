"""A day's traffic: people walk the wood and photograph what they find."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from mycovigil_simulator.camera import REFERENCE_CAMERAS, Camera
from mycovigil_simulator.photo import Photo, render
from mycovigil_simulator.season import prior
from mycovigil_simulator.species import NOVEL, SPECIES
from mycovigil_simulator.taxon import Species

FINDS = 5  # specimens that one person photographs on a walk, on average


def walk(
    count: int,
    *,
    seed: int,
    day_of_year: int | None = None,
    cameras: tuple[Camera, ...] = REFERENCE_CAMERAS,
    species: tuple[Species, ...] = SPECIES,
    novel_share: float = 0.0,
    novel: tuple[Species, ...] = NOVEL,
    burst: int = 1,
    size: int = 128,
) -> Iterator[Photo]:
    """`count` photos in order of time. Same arguments, same photos.

    `burst` photos are taken of each specimen, and about five specimens make a session (one person,
    one camera). Of the specimens, exactly `round(novel_share * specimens)` are novel.

    Raises:
        ValueError: `novel_share` is outside [0, 1], or `burst` below 1.
    """
    if not 0 <= novel_share <= 1 or burst < 1:
        message = f"need 0 <= novel_share <= 1 and burst >= 1, got {novel_share} and {burst}"
        raise ValueError(message)
    rng = np.random.default_rng([seed, 404])
    specimens = -(-count // burst)
    found = _finds(rng, specimens, species, novel, novel_share, day_of_year)
    session, camera = 0, cameras[rng.integers(len(cameras))]
    seeds = rng.integers(2**31, size=specimens)
    for index, one in enumerate(found):
        if index and rng.uniform() < 1 / FINDS:
            session, camera = session + 1, cameras[rng.integers(len(cameras))]
        for view in range(min(burst, count - index * burst)):
            photo = render(one, seed=int(seeds[index]), size=size, camera=camera, view=view)
            yield dataclasses.replace(photo, session=f"{seed}-{session}", camera=camera)


def _finds(
    rng: np.random.Generator,
    specimens: int,
    species: tuple[Species, ...],
    novel: tuple[Species, ...],
    novel_share: float,
    day_of_year: int | None,
) -> list[Species]:
    """The species of each specimen in order."""
    novel_count = round(novel_share * specimens)
    known = rng.choice(len(species), size=specimens - novel_count, p=prior(species, day_of_year))
    found = [species[index] for index in known]
    if novel_count:
        picks = rng.choice(len(novel), size=novel_count, p=prior(novel, day_of_year))
        found += [novel[index] for index in picks]
    return [found[index] for index in rng.permutation(specimens)]
