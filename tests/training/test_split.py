"""Sides are written once; parts hold whole specimens, and new labels move none of them."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.model import PhotoSide, Side
from mycovigil_training import photo_sides
from mycovigil_training.configuration import SplitConfig
from mycovigil_training.features.table import FeatureTable, table
from mycovigil_training.model.sides import position, sides
from mycovigil_training.model.split import PARTS, Split, split, united

CONFIG = SplitConfig(validation=0.1, calibration=0.2, holdout=0.2)


def rows(count: int = 2_000, seed: int = 1, name: str = "") -> FeatureTable:
    """``count`` photos of about three a specimen, 24 species in four classes."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=count, p=[0.4, 0.3, 0.2, 0.1])
    species = np.array([f"species {label}{rng.integers(6)}" for label in labels])
    groups = np.array([f"{name}{of}/{rng.integers(count // 72 + 1)}" for of in species])
    return _table(labels, species, groups, [f"{name}photo {row}" for row in range(count)])


def _table(labels: object, species: object, groups: object, photos: object) -> FeatureTable:
    count = len(np.asarray(labels))
    columns = (np.asarray(values).tolist() for values in (labels, species, groups, photos))
    numbers = np.zeros((count, 2), np.float32), np.zeros((count, 8))
    return table(list(numbers[0]), list(numbers[1]), *columns, dimension=2)


def dealt(rows: FeatureTable, **values: object) -> tuple[np.ndarray, Split]:
    given: dict[str, Any] = {
        "written": {},
        "learned": np.zeros(len(rows), bool),
        "judged": np.ones(len(rows), bool),
    }
    given |= values
    side = sides(rows, CONFIG.holdout, **given)
    judged = np.asarray(given["judged"])
    return side, split(rows, side, CONFIG, judged=judged)


def parts_of(found: Split) -> dict[str, np.ndarray]:
    return {name: getattr(found, name) for name in PARTS}


def test_every_row_is_dealt_once_and_no_specimen_stands_on_two_sides() -> None:
    data = rows()
    parts = parts_of(dealt(data)[1])
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(2_000))
    groups = [set(data.groups[index]) for index in parts.values()]
    assert sum(len(side) for side in groups) == len(set(data.groups))


def test_each_part_gets_its_share_of_every_class() -> None:
    """By chance: four standard deviations of the number of specimens are allowed."""
    data = rows(8_000)
    parts = parts_of(dealt(data)[1])
    for label in range(4):
        total = len(set(data.groups[data.labels == label]))
        for part, share in zip(PARTS, (0.5, 0.1, 0.2, 0.2), strict=True):
            index = parts[part]
            found = len(set(data.groups[index][data.labels[index] == label]))
            assert abs(found - share * total) <= 4 * np.sqrt(total * share * (1 - share))


def test_every_species_is_trained_on_and_one_with_a_single_specimen_is_never_judged() -> None:
    data = rows(80)
    assert set(data.species[dealt(data)[1].train]) == set(data.species)
    alone = _table([3] * 40, [f"rare {n}" for n in range(40)], range(40), range(40))
    assert len(dealt(alone)[1].train) == 40


def test_a_new_label_moves_no_photo() -> None:
    """Dealing class by class moved 39% of production's calibration photos into the holdout."""
    data, more = rows(), rows(60, seed=2, name="production/")
    first, second = dealt(data)[1], dealt(data.joined(more))[1]
    for part in PARTS:
        before = getattr(first, part)
        after = getattr(second, part)
        assert before.tolist() == after[after < len(data)].tolist()


def test_a_written_side_stays_and_a_specimen_that_joins_two_sides_goes_to_training() -> None:
    data = _table([3] * 4, ["a"] * 4, ["one", "one", "two", "three"], ["p", "q", "r", "s"])
    written = {"p": Side.HOLDOUT, "r": Side.TRAINING, "s": Side.HOLDOUT}
    assert dealt(data, written=written)[0].tolist() == ["holdout", "holdout", "training", "holdout"]
    joined = _table([3] * 4, ["a"] * 4, ["one", "one", "one", "three"], ["p", "q", "r", "s"])
    assert dealt(joined, written=written)[0].tolist() == ["training"] * 3 + ["holdout"]


def test_what_an_earlier_model_learned_from_goes_to_training() -> None:
    data = rows()
    held = dealt(data)[1].holdout
    learned = np.zeros(len(data), dtype=bool)
    learned[held[:5]] = True
    side, again = dealt(data, learned=learned)
    assert not np.isin(data.groups[held[:5]], data.groups[again.holdout]).any()
    assert set(side[held[:5]]) == {"training"}


def test_rows_that_may_not_be_judged_on_only_train() -> None:
    """Labels chosen by risk: they teach, and prove nothing; nor do they take a written holdout."""
    data = rows()
    judged = np.random.default_rng(4).random(len(data)) < 0.5
    found = dealt(data, judged=judged)[1]
    for part in PARTS[1:]:
        assert judged[getattr(found, part)].all()
    unread = ~np.isin(data.groups, data.groups[judged])
    assert np.isin(np.flatnonzero(unread), found.train).all()
    held = _table([3, 3], ["a", "a"], ["one", "one"], ["p", "q"])
    found = dealt(held, written={"p": Side.HOLDOUT}, judged=np.array([True, False]))[1]
    assert [part.tolist() for part in parts_of(found).values()] == [[], [], [], [0]]


def test_positions_are_uniform_and_those_of_parts_are_independent() -> None:
    names = [f"specimen {n}" for n in range(4_000)]
    first, second = (np.array([position(n, salt) for n in names]) for salt in ("side", "part"))
    for found in (first, second):
        assert np.abs(np.sort(found) - (np.arange(4_000) + 0.5) / 4_000).max() < 0.03
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06


def test_no_rows() -> None:
    assert all(len(part) == 0 for part in parts_of(dealt(rows(0))[1]).values())


def test_groups_that_share_a_photo_are_one() -> None:
    groups = np.array(["a", "a", "session 1", "session 1", "session 2", "b", "session 3"])
    photos = np.array(["p", "q", "q", "r", "r", "s", "t"])
    assert united(groups, photos).tolist() == ["a"] * 5 + ["b", "session 3"]
    assert united(groups[:0], photos[:0]).tolist() == []


def test_sides_are_remembered_although_specimens_get_other_names(session: Session) -> None:
    data = rows(300)
    settled = _settled(session, data)
    renamed = _table(data.labels, data.species, [f"new {g}" for g in data.groups], data.sha256)
    assert _settled(session, renamed).tolist() == settled.tolist()
    assert 0.05 < (settled == Side.HOLDOUT).mean() < 0.4


def test_a_specimen_that_joined_two_sides_stays_in_training(session: Session) -> None:
    data = rows(300)
    side = _settled(session, data)
    groups = data.groups.copy()
    held, taught = groups[side == Side.HOLDOUT][0], groups[side == Side.TRAINING][0]
    groups[groups == held] = taught
    both = _table(data.labels, data.species, groups, data.sha256)
    assert set(_settled(session, both)[groups == taught]) == {"training"}
    assert set(_settled(session, data)[data.groups == held]) == {"training"}
    written = session.scalars(select(PhotoSide.side).where(PhotoSide.specimen == held)).all()
    assert set(written) == {"training"}


def _settled(session: Session, data: FeatureTable) -> np.ndarray:
    every = np.ones(len(data), dtype=bool)
    return photo_sides.settled(session, data, CONFIG.holdout, learned=~every, judged=every)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_holdout_has_the_share_asked_for(share: float) -> None:
    data = rows(6_000)
    every = np.ones(len(data), dtype=bool)
    side = sides(data, share, written={}, learned=~every, judged=every)
    specimens = dict(zip(data.groups.tolist(), side.tolist(), strict=True))
    held = sum(s == Side.HOLDOUT for s in specimens.values())
    spread = np.sqrt(len(specimens) * share * (1 - share))
    assert abs(held - share * len(specimens)) <= 4 * spread
