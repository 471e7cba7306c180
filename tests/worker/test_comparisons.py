"""Comparisons that a person asked for: two stretches by their days, two sets by their rows."""

import datetime
import json
import uuid
from typing import Any

import pytest
from factories.model import make_encoder, make_model
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.reference_set import make_reference_set
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from mycovigil.db.base import new_id
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import Comparison
from mycovigil.references import reference_set
from mycovigil.references.window import Window
from mycovigil_worker import tick
from mycovigil_worker.cli.reference import app
from mycovigil_worker.comparisons import answer, sets, stretches
from mycovigil_worker.state import State

NOW = FIRST + 60 * PERIOD


def stretch(first: int, last: int) -> Window:
    """Nights ``first`` to ``last`` as one window."""
    return Window(night_of(first).start, night_of(last).end)


def asked(session: Session, model_id: uuid.UUID, first: Window, second: Window) -> uuid.UUID:
    row = Comparison(
        id=new_id(),
        model_id=model_id,
        first_start=first.start,
        first_end=first.end,
        second_start=second.start,
        second_end=second.end,
        requested_by="test",
    )
    session.add(row)
    return row.id


def asked_sets(session: Session, first: ReferenceSet, second: ReferenceSet) -> uuid.UUID:
    row = Comparison(
        id=new_id(), first_set_id=first.id, second_set_id=second.id, requested_by="test"
    )
    session.add(row)
    return row.id


def served_nights(state: State, *nights: dict[str, Any]) -> Served:
    with state.sessions.begin() as session:
        served = make_served(session)
        for number, values in enumerate(nights):
            make_night(session, served, night_of(number), **values)
        session.flush()
        session.expunge_all()
    return served


def answered(state: State, identifier: uuid.UUID) -> Comparison:
    answer.drain(state, now=NOW)
    with state.sessions() as session:
        row = session.get_one(Comparison, identifier)
        session.expunge(row)
    return row


def result_of(state: State, model_id: uuid.UUID, first: Window, second: Window) -> dict[str, Any]:
    with state.sessions.begin() as session:
        identifier = asked(session, model_id, first, second)
    row = answered(state, identifier)
    assert row.result is not None, row.problem
    return row.result


def test_a_night_beside_a_week_is_compared_by_days_and_then_by_rows(state: State) -> None:
    served = served_nights(state, *[{}] * 8, {"shift": 0.8})
    calm = result_of(state, served.model.id, stretch(0, 6), stretch(7, 7))
    moved = result_of(state, served.model.id, stretch(0, 6), stretch(8, 8))
    assert calm["p_value"] > 0.01
    assert moved["p_value"] == max(moved["p_days"], moved["p_rows"]) < 0.001
    assert (moved["first_days"], moved["second_days"]) == (7, 1)
    assert (moved["first_photos"], moved["second_photos"]) == (7 * 120, 120)
    assert moved["ratio"] > 2
    assert moved["rank"] == 1
    assert {view["group"] for view in moved["views"]} >= {"photos", "answers", "camera and light"}


def test_a_stretch_is_one_window_and_its_rows_are_not_needed(state: State) -> None:
    served = served_nights(state, *[{}] * 6)
    before = result_of(state, served.model.id, stretch(0, 2), stretch(3, 5))
    assert before["p_value"] == before["p_days"] > 0.01
    assert before["p_rows"] is None
    with state.sessions.begin() as session:
        session.execute(delete(Comparison))
        session.execute(delete(Prediction))
    assert result_of(state, served.model.id, stretch(0, 2), stretch(3, 5)) == before


def test_two_nights_are_compared_by_their_photos_alone(state: State) -> None:
    served = served_nights(state, {"rows": 150}, {"rows": 150}, {"rows": 150, "shift": 0.8})
    calm = result_of(state, served.model.id, night_of(0), night_of(1))
    moved = result_of(state, served.model.id, night_of(0), night_of(2))
    assert calm["p_value"] > 0.01
    assert moved["p_value"] < 0.001
    assert (moved["p_days"], moved["p_rows"]) == (None, moved["p_value"])
    assert "fewer than 3 days" in moved["notes"][0]


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_too_few_photos_are_said_to_be(state: State, first: int, second: int) -> None:
    served = served_nights(state, {"rows": 150}, {"rows": 9})
    with state.sessions.begin() as session:
        identifier = asked(session, served.model.id, night_of(first), night_of(second))
    row = answered(state, identifier)
    assert row.result is None
    assert "rows" in str(row.problem)


@pytest.mark.parametrize("dimension", [8, 16])
def test_rows_of_another_encoder_are_left_out(state: State, dimension: int) -> None:
    """Its features are never compared; the days of an encoder hold its own photos alone."""
    served = served_nights(state, {"rows": 150}, {"rows": 150})
    with state.sessions.begin() as session:
        foreign: dict[str, Any] = {"encoder_id": make_encoder(session).id, "seed": 5}
        make_night(session, served, night_of(1), rows=7, dimension=dimension, **foreign)
    found = result_of(state, served.model.id, night_of(0), night_of(1))
    assert found["second_photos"] == 150


def test_without_a_reference_set_there_is_a_problem(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, frozen=False)
        for number in range(2):
            make_night(session, served, night_of(number))
        identifier = asked(session, served.model.id, night_of(0), night_of(1))
    row = answered(state, identifier)
    assert row.state == "failed"
    assert "no frozen reference set" in str(row.problem)


def test_a_crash_holds_back_no_other_comparison(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = served_nights(state, {"rows": 150}, {"rows": 150})
    with state.sessions.begin() as session:
        first = asked(session, served.model.id, night_of(0), night_of(1))
        pair = [make_reference_set(session, served.model, rows=120, seed=seed) for seed in (1, 2)]
        second = asked_sets(session, *pair)

    def crashes(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(stretches, "compared", crashes)
    assert answer.drain(state, now=NOW) == 2
    with state.sessions() as session:
        problem = session.get_one(Comparison, first).problem
        assert problem == "the comparison crashed: RuntimeError: broken"
        assert session.get_one(Comparison, second).result is not None
    assert answer.drain(state, now=NOW) == 0


def test_the_first_of_two_workers_answers(state: State) -> None:
    served = served_nights(state, {"rows": 150}, {"rows": 150})
    with state.sessions.begin() as session:
        asked(session, served.model.id, night_of(0), night_of(1))
    with state.sessions() as session:
        waiting = session.scalars(select(Comparison)).one()
        session.expunge(waiting)
    assert answer.drain(state, now=NOW) == 1
    later = NOW + datetime.timedelta(hours=1)
    assert not answer._answer(state, waiting, later)
    with state.sessions() as session:
        assert session.scalars(select(Comparison.handled_at)).one() == NOW


def test_the_tick_answers_and_the_command_finds_the_same_p_value(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.sessions.begin() as session:
        model = make_model(session)
        one = make_reference_set(session, model, rows=200, seed=1)
        two = make_reference_set(session, model, rows=120, seed=2)
        identifier = asked_sets(session, one, two)
        ids = str(one.id), str(two.id)
    tick.run(state, NOW)
    with state.sessions() as session:
        row = session.get_one(Comparison, identifier)
        assert row.result is not None
        assert (row.result["first_photos"], row.result["second_photos"]) == (200, 120)
        p_value = row.result["p_value"]
    assert p_value > 0.001
    monkeypatch.setattr(State, "of", lambda _: state)
    printed = CliRunner().invoke(app, ["compare", *ids, "--json"])
    assert json.loads(printed.stdout)["p_value"] == p_value


def test_photos_that_both_sets_hold_are_compared_with_none(state: State) -> None:
    """What taught the test what is calm would fit it too well."""
    with state.sessions.begin() as session:
        served = make_served(session, rows=150)
        make_night(session, served, night_of(0), rows=900)
        spans = [Window(night_of(0).start, night_of(0).end)]
        some, everything = (
            reference_set.from_production(session, served.model, spans, name=name, rows=rows)
            for name, rows in (("some", 500), ("all", 10_000))
        )
        seed = state.settings.drift.seed
        found = sets.document(sets.compared(session, state.storage, some, everything, seed=seed))
    assert (found["first_photos"], found["second_photos"]) == (500, 400)
    assert found["p_value"] > 0.01
