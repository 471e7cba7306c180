"""Geometries, sketches and baselines in the database, and who may change them."""

import datetime

import numpy as np
import pytest
from factories.night import FIRST, PERIOD, make_served
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline, geometries, season, sketches, skew
from mycovigil.baselines.baseline import EntryRule, NotPossible
from mycovigil.baselines.packed import Damaged
from mycovigil.baselines.sketches import Span
from mycovigil.db.audit import AuditLine
from mycovigil.db.baseline import Baseline, BaselineReason, DayGeometry, DaySketch
from mycovigil.storage import Storage

ARRAYS = {"mean": np.arange(3.0), "rows": np.array([40])}


def day(number: int) -> Span:
    return FIRST + number * PERIOD, FIRST + (number + 1) * PERIOD


@pytest.fixture
def geometry(session: Session, storage: Storage) -> DayGeometry:
    served = make_served(session, rows=1)
    return geometries.store(
        session, storage, served.model.encoder_id, served.reference.id, {"mean": np.ones(4)}
    )


@pytest.fixture
def begun(session: Session, geometry: DayGeometry) -> Baseline:
    return baseline.begin(session, geometry.encoder_id, reason=BaselineReason.FIRST_DAYS)


def keep(session: Session, geometry: DayGeometry, span: Span) -> bool:
    return sketches.store(session, geometry, None, span, rows=40, units=30, arrays=ARRAYS)


def test_an_encoder_has_one_geometry(
    session: Session, storage: Storage, geometry: DayGeometry
) -> None:
    again = geometries.store(
        session, storage, geometry.encoder_id, geometry.reference_set_id, {"mean": np.zeros(4)}
    )
    assert again.id == geometry.id
    assert geometries.arrays_of(storage, again)["mean"].tolist() == [1.0] * 4


def test_a_geometry_that_was_overwritten_is_named(
    session: Session, storage: Storage, geometry: DayGeometry
) -> None:
    storage.write(geometry.storage_key, b"else")
    with pytest.raises(Damaged, match="geometry of encoder"):
        geometries.arrays_of(storage, geometry)


def test_a_sketch_stays_as_it_was_first_written(session: Session, geometry: DayGeometry) -> None:
    assert keep(session, geometry, day(0))
    assert not sketches.store(
        session, geometry, None, day(0), rows=9, units=9, arrays={"mean": np.zeros(3)}
    )
    found = sketches.load(session, geometry.id, None, [day(0), day(1)])
    assert list(found) == [day(0)]
    assert (found[day(0)].rows, found[day(0)].arrays["mean"].tolist()) == (40, [0, 1, 2])
    assert sketches.known(session, geometry.id, None, [day(0), day(1)]) == {day(0)}


def test_a_changed_sketch_is_never_compared(session: Session, geometry: DayGeometry) -> None:
    keep(session, geometry, day(0))
    row = session.scalars(select(DaySketch)).one()
    row.content = row.content[:-1] + b"x"
    session.flush()
    with pytest.raises(Damaged, match="2026-09-01"):
        sketches.load(session, geometry.id, None, [day(0)])


def test_days_enter_until_the_baseline_stands_still(session: Session, begun: Baseline) -> None:
    counts = [
        baseline.enter(session, begun, [day(n)], EntryRule.START_UP, most=4) for n in range(6)
    ]
    assert counts == [1, 2, 3, 4, 4, 4]
    assert begun.standing_since is not None
    assert [row.day_start for row in baseline.days(session, begun)] == [
        FIRST + n * PERIOD for n in range(4)
    ]
    assert [baseline.learning(count) for count in (0, 2, 3)] == [
        "learning, day 1 of 3",
        "learning, day 3 of 3",
        None,
    ]


def test_a_withdrawn_day_counts_no_longer_and_does_not_come_back(
    session: Session, begun: Baseline
) -> None:
    baseline.enter(session, begun, [day(0), day(1)], EntryRule.START_UP, most=28)
    out = baseline.withdraw(session, begun, FIRST, who="ada", reason="a school class")
    assert (out.withdrawn_by, out.withdrawn_reason) == ("ada", "a school class")
    assert baseline.enter(session, begun, [day(0)], EntryRule.CALM, most=28) == 1
    assert [row.day_start for row in baseline.days(session, begun)] == [FIRST + PERIOD]
    assert len(baseline.days(session, begun, withdrawn=True)) == 2
    with pytest.raises(NotPossible, match="ada withdrew this day already"):
        baseline.withdraw(session, begun, FIRST, who="bob", reason="late")
    with pytest.raises(LookupError, match="no day of this baseline"):
        baseline.withdraw(session, begun, FIRST + 9 * PERIOD, who="bob", reason="none")


def test_a_baseline_that_stands_still_with_too_few_days_learns_again(
    session: Session, begun: Baseline
) -> None:
    """Or it would say "learning, day 3 of 3" for ever, and never page."""
    baseline.enter(session, begun, [day(n) for n in range(4)], EntryRule.START_UP, most=4)
    baseline.withdraw(session, begun, day(0)[0], who="ada", reason="a school class")
    assert baseline.enter(session, begun, [day(4)], EntryRule.CALM, most=4) == 3, "it stands still"
    baseline.withdraw(session, begun, day(1)[0], who="ada", reason="a school class")
    assert baseline.enter(session, begun, [day(5)], EntryRule.START_UP, most=4) == 3
    assert begun.standing_since is None
    assert baseline.enter(session, begun, [day(6)], EntryRule.CALM, most=4) == 4
    assert begun.standing_since is not None


def test_an_accepted_normal_begins_anew_and_keeps_the_old(
    session: Session, begun: Baseline
) -> None:
    baseline.enter(session, begun, [day(0), day(1), day(2)], EntryRule.START_UP, most=28)
    fresh = baseline.begin(
        session,
        begun.encoder_id,
        reason=BaselineReason.ACCEPTED,
        days=[day(7), day(8)],
        accepted_by="ada",
        note="a new camera for good",
    )
    now = baseline.current(session, begun.encoder_id)
    assert now is not None
    assert now.id == fresh.id
    assert [row.rule for row in baseline.days(session, fresh)] == [EntryRule.INCIDENT.value] * 2
    assert begun.ended_at is not None
    assert len(baseline.days(session, begun)) == 3
    assert baseline.enter(session, begun, [day(9)], EntryRule.CALM, most=28) == 3
    with pytest.raises(NotPossible, match="has ended"):
        baseline.withdraw(session, begun, FIRST, who="ada", reason="late")
    lines = session.scalars(select(AuditLine.who).where(AuditLine.subject_id == fresh.id)).all()
    assert lines == ["ada"]


def test_without_a_night_there_is_nothing_to_begin_with(session: Session) -> None:
    served = make_served(session, rows=1)
    with pytest.raises(NotPossible, match="no day of this encoder was sketched"):
        baseline.begin(session, served.model.encoder_id, reason=BaselineReason.ACCEPTED)


def test_the_season_brings_back_accepted_days_of_earlier_years(
    session: Session, begun: Baseline
) -> None:
    spans = [day(n) for n in (0, 20, 40, 120)]
    baseline.enter(session, begun, spans, EntryRule.CALM, most=28)
    year = datetime.timedelta(days=365)
    found = season.same_season(session, begun.geometry_id, FIRST + year)
    assert [start for start, _ in found] == [FIRST + n * PERIOD for n in (40, 20, 0)]
    baseline.withdraw(session, begun, FIRST, who="ada", reason="hail")
    assert season.same_season(session, begun.geometry_id, FIRST + year) == []


def test_skew_is_accepted_once_for_all_heads(session: Session, geometry: DayGeometry) -> None:
    first = skew.accept(session, geometry.encoder_id, "abc", who="ada", note="phones, not cameras")
    second = skew.accept(session, geometry.encoder_id, "abc", who="bob", note="me too")
    assert second.id == first.id
    assert second.note == "phones, not cameras"
    assert skew.acceptance(session, geometry.encoder_id, "other") is None
