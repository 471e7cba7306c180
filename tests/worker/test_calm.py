"""A drift ends by calm where the nights since show that it is gone, not where they miss it."""

import datetime
from collections.abc import Sequence
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import select, update

from mycovigil.baselines import baseline as baselines
from mycovigil.db.alert import Alert, Incident
from mycovigil.db.model import Model
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents import incident_days
from mycovigil_worker.nights import calm, nightly
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages")


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


def test_a_shift_that_shrank_and_lasts_ends_nothing(state: State) -> None:
    prepared(state, [1.0, 0.7, 0.7, 0.7])
    judged(state, nights=4)
    assert calm.end_by_calm(state) == []
    assert incident_of(state).state == "open"


@pytest.mark.parametrize(
    ("start", "nights", "informs", "origin"),
    [(-3, 7, False, "nightly"), (1, 3, True, "nightly"), (1, 3, False, "request")],
)
def test_windows_that_alarmed_nobody_keep_nothing_open(
    state: State, start: int, nights: int, informs: bool, origin: str
) -> None:
    """A week that began before the last night that alarmed and drifts because of it, a window that
    only informs, and one that a person asked for."""
    prepared(state, [1.0, 0.0, 0.0, 0.0])
    judged(state, nights=4)
    found = incident_of(state)
    with state.sessions.begin() as session:
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
    assert days == [night_of(0).span], "days from before the incident are not learned from"
    assert calm.end_by_calm(state) == [found.id]
