"""Splits: whole specimens, every class, every species in training."""

import numpy as np
import pytest

from mycovigil_training.configuration import SplitConfig
from mycovigil_training.model.split import PARTS, Split, split, united

CONFIG = SplitConfig(validation=0.1, calibration=0.2, holdout=0.2)


def rows(count: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=count, p=[0.4, 0.3, 0.2, 0.1])
    species = np.array([f"species {label}{rng.integers(6)}" for label in labels])
    groups = np.array([f"{name}/{rng.integers(20)}" for name in species])
    return labels, species, groups


def dealt(found: Split) -> dict[str, np.ndarray]:
    return {name: getattr(found, name) for name in PARTS}


def test_every_row_is_dealt_once_and_no_specimen_stands_on_two_sides() -> None:
    labels, species, groups = rows()
    parts = dealt(split(labels, species, groups, CONFIG, seed=3))
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(600))
    sides = [set(groups[index]) for index in parts.values()]
    assert sum(len(side) for side in sides) == len(set(groups))


def test_each_part_gets_its_share_of_every_class() -> None:
    labels, species, groups = rows()
    parts = dealt(split(labels, species, groups, CONFIG, seed=3))
    for label in range(4):
        total = (labels == label).sum()
        for part, share in zip(PARTS, (0.5, 0.1, 0.2, 0.2), strict=True):
            assert (labels[parts[part]] == label).sum() / total == pytest.approx(share, abs=0.08)


def test_every_species_is_trained_on() -> None:
    labels, species, groups = rows(80)
    found = split(labels, species, groups, CONFIG, seed=3)
    assert set(species[found.train]) == set(species)


def test_a_seed_gives_the_same_split_and_another_one_another() -> None:
    data = rows()
    first, same, other = (split(*data, CONFIG, seed=seed) for seed in (1, 1, 2))
    assert first.holdout.tolist() == same.holdout.tolist() != other.holdout.tolist()


def test_pinned_rows_pull_their_specimens_into_training() -> None:
    labels, species, groups = rows()
    held = split(labels, species, groups, CONFIG, seed=1).holdout
    again = split(labels, species, groups, CONFIG, seed=1, pinned=held[:5].tolist())
    assert set(held[:5].tolist()) <= set(again.train.tolist())


def test_no_rows() -> None:
    empty = np.array([], dtype=str)
    found = split(np.array([], dtype=int), empty, empty, CONFIG, seed=1)
    assert all(len(part) == 0 for part in dealt(found).values())


def test_groups_that_share_a_photo_are_one() -> None:
    groups = np.array(["a", "a", "session 1", "session 1", "session 2", "b", "session 3"])
    photos = np.array(["p", "q", "q", "r", "r", "s", "t"])
    assert united(groups, photos).tolist() == ["a"] * 5 + ["b", "session 3"]
    assert united(groups[:0], photos[:0]).tolist() == []
