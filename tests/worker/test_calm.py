"""A drift ends by calm where the nights since show that it is gone, not where they miss it."""

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.model import make_model
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.report import make_reference_set, make_report
from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import sessionmaker

from mycovigil.baselines import baseline as baselines
from mycovigil.db.alert import Alert, Incident
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents import incident_days
from mycovigil.models import promotion
from mycovigil_worker.nights import calm, nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
SET = "reference_set_id"


def prepared(state: State, shifts: Sequence[float], rows: int = 60) -> None:
    """A night of traffic for each shift, after ten calm days."""
    with state.sessions.begin() as session:
        served = make_served(session)
        for number, shift in enumerate(shifts):
            make_night(session, served, night_of(number), shift=shift, rows=rows)
    make_baseline(state, served, days=10, rows=rows)


def judged(state: State, nights: int) -> None:
    nightly.run(state, now=FIRST + nights * PERIOD + datetime.timedelta(hours=1))


def incident_of(state: State) -> Incident:
    with state.sessions() as session:
        return session.scalars(select(Incident)).one()


def set_to(state: State, **values: Any) -> None:
    with state.sessions.begin() as session:
        session.execute(update(Incident).values(**values))


def test_a_cause_that_ended_ends_the_incident(state: State) -> None:
    prepared(state, [1.0, 0.0, 0.0, 0.0])
    judged(state, nights=3)
    assert calm.end_by_calm(state) == [], "two nights are not enough"
    judged(state, nights=4)
    set_to(state, proof="12 of 14 deadly photos were missed")
    assert calm.end_by_calm(state) == [], "features do not refute labels"
    set_to(state, proof=None, kind="skew")
    assert calm.end_by_calm(state) == [], "a person accepts a skew"
    set_to(state, kind="drift")
    found = incident_of(state)
    assert calm.end_by_calm(state) == [found.id]
    assert calm.end_by_calm(state) == []
    ended = incident_of(state)
    assert (ended.state, ended.ended_by) == ("resolved", "calm")
    assert str(ended.resolution).startswith("calm: in 3 nights since the last alarm at most")
    with state.sessions() as session:
        kinds = session.scalars(select(Alert.kind).order_by(Alert.created_at, Alert.id)).all()
        model = session.get_one(Model, ended.model_id)
        current = baselines.current(session, model.encoder_id)
        assert current is not None
        days = baselines.days(session, current)
    assert kinds[-1] == "resolved"
    assert [day.day_start < FIRST for day in days] == [True] * 10, "its nights entered no baseline"


def test_a_drift_that_another_model_took_over_goes_on_with_its_nights(state: State) -> None:
    """The model was promoted by hand; its first night drifts as well, the others are calm."""
    prepared(state, [1.0])
    judged(state, nights=1)
    opened = incident_of(state)
    with state.sessions.begin() as session:
        first = session.get_one(Model, opened.model_id)
        gate = {"against": str(first.id), "passed": True, "reason": "test"}
        second = make_model(session, metrics={"gate": gate}, encoder_id=first.encoder_id)
        second.certificate = {"state": "valid", "bound": 0.05}
        learned = session.scalars(select(ReferenceSet)).one()
        copy = make_reference_set(session, second, created_at=FIRST, rows=learned.rows)
        sample = [column for column in ReferenceSample.__table__.c if column.name != SET]
        own = select(literal(copy.id), *sample).where(
            ReferenceSample.reference_set_id == learned.id
        )
        session.execute(insert(ReferenceSample).from_select([SET, *[c.name for c in sample]], own))
        promotion.promote(session, second.id, decided_by="ada").created_at = night_of(1).start
        second.promoted_at = night_of(1).start
        for number, shift in enumerate([1.0, 0.0, 0.0, 0.0], start=1):
            make_night(session, Served(second, copy), night_of(number), shift=shift, rows=60)
    judged(state, nights=3)
    found = incident_of(state)
    assert (found.id, found.model_id, found.state) == (opened.id, second.id, "open")
    with state.sessions() as session:
        drifted = incident_days.drifted(session, found)
    assert [window.span for window in drifted] == [night_of(n).span for n in (0, 1)]
    assert calm.end_by_calm(state) == []
    judged(state, nights=5)
    assert calm.end_by_calm(state) == [opened.id]
    with state.sessions() as session:
        kinds = session.scalars(select(Alert.kind).order_by(Alert.created_at, Alert.id)).all()
        assert kinds == ["opened", "resolved"]
        assert session.get_one(Model, second.id).certificate_state == "valid"


def test_a_shift_that_shrank_and_lasts_ends_nothing(state: State) -> None:
    prepared(state, [1.0, 0.7, 0.7, 0.7])
    judged(state, nights=4)
    assert calm.end_by_calm(state) == []
    assert incident_of(state).state == "open"


ALARMED_NOBODY = [(-3, 7, False, "nightly"), (1, 3, True, "nightly"), (1, 3, False, "request")]


@contextmanager
def undone(state: State) -> Iterator[State]:
    """The state within a transaction that is rolled back at the end, whatever is committed."""
    with state.engine.connect() as connection, connection.begin() as outer:
        sessions = sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        yield replace(state, sessions=sessions)
        outer.rollback()


def test_windows_that_alarmed_nobody_keep_nothing_open(state: State) -> None:
    """A week that began before the last night that alarmed and drifts because of it, a window that
    only informs, and one that a person asked for: each by itself."""
    prepared(state, [1.0, 0.0, 0.0, 0.0])
    judged(state, nights=4)
    found = incident_of(state)
    for start, nights, informs, origin in ALARMED_NOBODY:
        with undone(state) as alone:
            with alone.sessions.begin() as session:
                make_report(
                    session,
                    session.get_one(Model, found.model_id),
                    None,
                    verdict=ReportVerdict.DRIFT,
                    periods=nights,
                    origin=origin,
                    window_start=FIRST + start * PERIOD,
                    window_end=FIRST + (start + nights) * PERIOD,
                    evidence={"days": {"informs": informs}},
                )
                days = [(one.start, one.end) for one in incident_days.drifted(session, found)]
            assert days == [night_of(0).span], "days before the incident are not learned from"
            assert calm.end_by_calm(alone) == [found.id], (nights, informs, origin)
        assert incident_of(state).state == "open"
