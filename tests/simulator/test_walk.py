"""A day's traffic: counts, seasons, sessions, novel species."""

from collections import Counter

import numpy as np
import pytest

from mycovigil_simulator.camera import NEW_PHONE, REFERENCE_CAMERAS
from mycovigil_simulator.season import abundance, prior
from mycovigil_simulator.species import NOVEL, SPECIES, by_name
from mycovigil_simulator.walk import walk

MAY, OCTOBER = 130, 283
SIZE = 16


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.1, 2), (0.25, 5), (1.0, 20)])
def test_the_novel_share_is_exact(share: float, expected: int) -> None:
    known = {species.name for species in SPECIES}
    photos = list(walk(20, seed=1, novel_share=share, size=SIZE))
    assert len(photos) == 20
    assert sum(photo.species not in known for photo in photos) == expected


def test_a_walk_repeats_itself() -> None:
    def record(seed: int) -> list[tuple[str, str, bytes]]:
        photos = walk(8, seed=seed, size=SIZE)
        return [(photo.specimen, photo.session, photo.pixels.tobytes()) for photo in photos]

    assert record(8) == record(8)
    assert record(8) != record(9)


def test_bursts_and_sessions_group_photos() -> None:
    photos = list(walk(31, seed=2, burst=3, size=SIZE))
    sizes = Counter(photo.specimen for photo in photos)
    assert sorted(sizes.values()) == [1] + [3] * 10
    for session in {photo.session for photo in photos}:
        assert len({photo.camera for photo in photos if photo.session == session}) == 1
    assert 1 < len({photo.session for photo in photos}) <= 11


def test_cameras_are_those_asked_for() -> None:
    renewed = {photo.camera for photo in walk(4, seed=3, cameras=(NEW_PHONE,), size=SIZE)}
    assert renewed == {NEW_PHONE}
    mixture = {photo.camera for photo in walk(40, seed=3, size=SIZE)}
    assert mixture == set(REFERENCE_CAMERAS)


def test_the_season_changes_the_draw() -> None:
    spring = {"morchella_esculenta", "gyromitra_esculenta", "verpa_bohemica"}
    may = [photo.species for photo in walk(30, seed=4, day_of_year=MAY, size=SIZE)]
    autumn = [photo.species for photo in walk(30, seed=4, day_of_year=OCTOBER, size=SIZE)]
    assert sum(name in spring for name in may) >= 8
    assert sum(name in spring for name in autumn) <= 3


def test_the_prior_is_a_distribution_over_the_year() -> None:
    for day in (None, 1, MAY, OCTOBER, 366):
        weights = prior(SPECIES + NOVEL, day)
        assert weights.sum() == pytest.approx(1)
        assert (weights > 0).all()
    morel = by_name("morchella_esculenta")
    assert abundance(morel, 105) == pytest.approx(1)
    assert abundance(morel, 250) < 0.02
    steps = np.abs(np.diff([abundance(morel, day) for day in range(1, 366)]))
    assert steps.max() < 0.06


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="novel_share"):
        next(walk(4, seed=1, novel_share=1.5))
    with pytest.raises(ValueError, match="burst"):
        next(walk(4, seed=1, burst=0))
    with pytest.raises(ValueError, match="day_of_year"):
        next(walk(4, seed=1, day_of_year=400))
