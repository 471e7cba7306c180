"""Labels that come later replace the estimates, and may void the certificate."""

import datetime
from dataclasses import asdict
from typing import Any

import pytest
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, make_transient

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.report import DriftMetric, DriftReport, ReportVerdict
from mycovigil.incidents.incident import respond
from mycovigil.models.safety import Advice, SafetyClass
from mycovigil_statistics.safety.e_value import e_value_above
from mycovigil_worker.labels import label_updates, realised
from mycovigil_worker.labels.certificate_evidence import Misses, Proof, by_specimen
from mycovigil_worker.labels.realised import Answered, Realised
from mycovigil_worker.report.harm import Safety
from mycovigil_worker.state import State

NOW = FIRST + 2 * PERIOD
DEADLY = SafetyClass.DEADLY


def label_all(
    session: Session,
    truth: str,
    *,
    who: str = "expert",
    confidence: str = "certain",
    night: int = 0,
) -> int:
    """Label every photo from a night on."""
    start = night_of(night).start
    found = session.scalars(select(Prediction.id).where(Prediction.created_at >= start)).all()
    for identifier in found:
        session.add(
            Label(
                id=new_id(),
                prediction_id=identifier,
                label=truth,
                confidence=confidence,
                labelled_by=who,
            )
        )
    return len(found)


def drifted_night(state: State, **values: Any) -> Served:
    """A night of 40 photos whose report drifted and opened an incident."""
    with state.sessions.begin() as session:
        served = make_served(session)
        served.model.certificate = {"state": "valid", "bound": 0.1}
        served.model.certificate_state = "valid"
        make_night(session, served, night_of(0), rows=40, label="deadly", **values)
        report = make_report(
            session, served.model, served.reference, verdict=ReportVerdict.DRIFT, rows=40,
            cause="camera_or_light",
        )  # fmt: skip
        respond(session, report)
    return served


def only_report(state: State) -> DriftReport:
    with state.sessions() as session:
        return session.scalars(select(DriftReport)).one()


def test_labels_replace_estimates_once_and_again_when_they_change(state: State) -> None:
    drifted_night(state, verdict="avoid")
    assert label_updates.run(state, now=NOW) == 0
    with state.sessions.begin() as session:
        label_all(session, "deadly")
    assert label_updates.run(state, now=NOW) == 1
    assert label_updates.run(state, now=NOW) == 0
    found = only_report(state).realised
    assert found is not None
    assert (found["labelled"], found["rows"]) == (40, 40)
    assert found["deadly"]["missed"] == 0
    assert found["deadly"]["high"] == pytest.approx(1 - 0.025 ** (1 / 40))
    assert found["safety"] == "not_affected"
    assert found["macro_recall"] | {"low": 0} == {"value": 1.0, "low": 0, "high": 1.0, "classes": 1}
    with state.sessions.begin() as session:
        session.execute(update(Label).values(label="edible", created_at=func.clock_timestamp()))
    assert label_updates.run(state, now=NOW) == 1
    found = only_report(state).realised
    assert found is not None
    assert found["deadly"] == {"count": 0, "missed": 0, "rate": None, "low": 0.0, "high": 1.0}
    assert found["macro_recall"]["value"] == 0.0
    with state.sessions() as session:
        name = DriftMetric.name == "realised.macro_recall"
        assert session.scalar(select(DriftMetric.value).where(name)) == 0.0


def test_a_label_committed_after_a_newer_one_is_told_too(state: State) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as slow:
        label_all(slow, "deadly", who="slow")
        slow.flush()
        with state.sessions.begin() as quick:
            first = quick.scalars(select(Prediction.id)).first()
            quick.add(
                Label(
                    id=new_id(), prediction_id=first, label="deadly", confidence="certain",
                    labelled_by="quick",
                )
            )  # fmt: skip
        assert label_updates.run(state, now=NOW) == 1
        assert (only_report(state).realised or {})["labelled"] == 1
    assert label_updates.run(state, now=NOW) == 1
    assert (only_report(state).realised or {})["labelled"] == 40


def test_guesses_do_not_count(state: State) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as session:
        label_all(session, "deadly", confidence="guess")
    label_updates.run(state, now=NOW)
    found = only_report(state).realised
    assert found is not None
    assert found["labelled"] == 0


@pytest.mark.parametrize("others", [("edible", "probable"), ("edible", "certain")])
def test_of_several_words_the_most_certain_and_most_dangerous_counts(
    state: State, others: tuple[str, str]
) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as session:
        label_all(session, "deadly", who="first")
        session.execute(update(Label).values(created_at=FIRST))
        label_all(session, others[0], who="second", confidence=others[1])
        label_all(session, "edible", who="third", confidence="guess")
    label_updates.run(state, now=NOW)
    found = only_report(state).realised
    assert found is not None
    assert (found["labelled"], found["deadly"]["count"]) == (40, 40)


@pytest.mark.parametrize("origin", ["nightly", "backfill"])
def test_missed_deadly_photos_void_the_certificate_and_escalate_once(
    state: State, origin: str
) -> None:
    served = drifted_night(state, verdict="expert_check")
    with state.sessions.begin() as session:
        session.execute(update(DriftReport).values(origin=origin))
    with state.sessions() as session:
        assert session.get_one(Model, served.model.id).certificate_state == "suspect"
    with state.sessions.begin() as session:
        label_all(session, "deadly")
    label_updates.run(state, now=NOW)
    with state.sessions() as session:
        model = session.get_one(Model, served.model.id)
        kinds = session.scalars(select(Alert.kind).order_by(Alert.created_at)).all()
    assert model.certificate_state == "void"
    assert model.certificate_reason == "by their labels 40 of 40 deadly photos were missed"
    assert kinds == ["opened", "escalated"]


def test_missed_deadly_photos_of_a_calm_night_void_and_wake_somebody(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        served.model.certificate = {"state": "valid", "bound": 0.1}
        make_night(session, served, night_of(0), rows=40, label="deadly", verdict="expert_check")
        make_report(session, served.model, served.reference, rows=40)
        label_all(session, "deadly")
    label_updates.run(state, now=NOW)
    with state.sessions() as session:
        incident = session.scalars(select(Incident)).one()
        alert = session.scalars(select(Alert)).one()
        assert session.get_one(Model, served.model.id).certificate_state == "void"
    assert (incident.severity, incident.cause) == ("critical", "missed_deadly")
    assert (alert.kind, alert.event_id is not None) == ("opened", True)


def test_a_report_that_fails_holds_back_no_other(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        reports = []
        for night in (0, 1):
            make_night(session, served, night_of(night), rows=1, label="deadly", verdict="avoid")
            made = make_report(session, served.model, served.reference, night=night, rows=1)
            reports.append(made.id)
        label_all(session, "deadly")
    known = realised.answered

    def poisoned(session: Session, report: DriftReport) -> list[Answered]:
        if report.id == reports[0]:
            raise ArithmeticError
        return known(session, report)

    monkeypatch.setattr(realised, "answered", poisoned)
    assert label_updates.run(state, now=NOW + PERIOD) == 1
    with state.sessions() as session:
        told = [session.get_one(DriftReport, report).realised for report in reports]
    assert [one is not None for one in told] == [False, True]


@pytest.mark.parametrize(
    "verdict", [ReportVerdict.FAILED, ReportVerdict.NO_REFERENCE, ReportVerdict.INSUFFICIENT]
)
def test_labels_speak_of_nights_that_no_test_judged(state: State, verdict: ReportVerdict) -> None:
    """A crashed night, one without a reference, a silent one whose photos came later."""
    served = drifted_night(state, verdict="expert_check")
    with state.sessions.begin() as session:
        session.execute(update(DriftReport).values(verdict=verdict, rows=0))
        label_all(session, "deadly")
    assert label_updates.run(state, now=NOW) == 1
    found = only_report(state).realised or {}
    assert (found["deadly"]["missed"], found["rows"]) == (40, 40)
    with state.sessions() as session:
        assert session.get_one(Model, served.model.id).certificate_state == "void"


def test_labels_of_photos_in_the_spool_count_when_the_photos_come(state: State) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as session:
        label_all(session, "deadly")
        spooled = session.scalars(select(Prediction)).first()
        assert spooled is not None
        session.expunge(spooled)
        session.execute(delete(Prediction).where(Prediction.id == spooled.id))
    label_updates.run(state, now=NOW)
    assert (only_report(state).realised or {})["labelled"] == 39
    with state.sessions.begin() as session:
        make_transient(spooled)
        session.add(spooled)
    assert label_updates.run(state, now=NOW) == 1
    assert (only_report(state).realised or {})["labelled"] == 40


def test_few_labels_decide_nothing() -> None:
    rows = [Answered(DEADLY, DEADLY, Advice.EXPERT_CHECK)] + 9 * [
        Answered(DEADLY, DEADLY, Advice.AVOID)
    ]
    weak = Proof(10, 1.0, e_value_above(0.1, by_specimen([Realised.of(rows).misses])))
    assert weak.e_value < 2
    assert Realised.of(rows).safety(0.1, weak) is Safety.UNKNOWN
    assert Realised.of(rows).safety(None, None) is Safety.UNKNOWN
    assert Realised.of([]).safety(0.1, weak) is Safety.UNKNOWN


def test_photos_of_one_specimen_count_once() -> None:
    rows = [
        Answered(DEADLY, DEADLY, verdict, specimen)
        for verdict, specimen in (
            (Advice.EXPERT_CHECK, "cap"), (Advice.EXPERT_CHECK, "cap"), (Advice.AVOID, "cap"),
            (Advice.EXPERT_CHECK, "cap"), (Advice.AVOID, None), (Advice.EXPERT_CHECK, None),
        )
    ]  # fmt: skip
    night = Realised.of(rows).misses
    assert sorted(by_specimen([night])) == [0.0, 0.75, 1.0]
    assert sorted(by_specimen([night, night])) == [0.0, 0.0, 0.75, 1.0, 1.0]
    assert Misses.read({"misses": asdict(night)}) == night
    assert by_specimen([Misses.read({"misses": [0.5, 1.0]})]) == [0.5, 1.0]


def test_misses_of_many_nights_add_up_to_a_proof(state: State) -> None:
    """Four missed of twenty a night are within the 95% interval of a bound of .1 each time."""
    with state.sessions.begin() as session:
        served = make_served(session)
        served.model.certificate = {"state": "valid", "bound": 0.1}
        served.model.certificate_state = "valid"
    states = []
    for place in range(6):
        with state.sessions.begin() as session:
            for rows, verdict in ((16, "avoid"), (4, "expert_check")):
                make_night(
                    session, served, night_of(place), rows=rows, label="deadly", verdict=verdict
                )
            make_report(session, served.model, served.reference, night=place, rows=20)
            label_all(session, "deadly", night=place)
        label_updates.run(state, now=night_of(place + 1).end)
        with state.sessions() as session:
            states.append(session.get_one(Model, served.model.id).certificate_state)
    assert states[0] == "valid"
    assert states[-1] == "void"
    assert states == sorted(states)


def test_a_label_in_the_first_millisecond_of_a_night_belongs_to_it(state: State) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as session:
        moments = session.scalars(select(Prediction.created_at)).all()
        assert min(moments) == FIRST
        label_all(session, "deadly")
    label_updates.run(state, now=NOW)
    assert (only_report(state).realised or {})["labelled"] == 40
    assert datetime.timedelta() < PERIOD
