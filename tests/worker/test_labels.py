"""Labels that come later replace the estimates, and may void the certificate."""

import datetime
import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import pytest
from factories.night import FIRST, PERIOD, Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, make_transient

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.prediction import ChosenBy, Label, Prediction
from mycovigil.db.report import DriftMetric, DriftReport, ReportVerdict
from mycovigil.incidents.incident import resolve, respond
from mycovigil.models.safety import Advice, SafetyClass
from mycovigil_statistics.safety.e_value import e_value_above
from mycovigil_worker.labels import contradiction, label_updates, labelled_photos
from mycovigil_worker.labels.certificate_evidence import Misses, Proof
from mycovigil_worker.labels.contradiction import Night
from mycovigil_worker.labels.labelled_photos import Answered
from mycovigil_worker.labels.realised import Realised
from mycovigil_worker.report.harm import Safety
from mycovigil_worker.state import State

NOW = FIRST + 2 * PERIOD
DEADLY, RANDOM = SafetyClass.DEADLY, ChosenBy.RANDOM


def label_all(
    session: Session,
    truth: str,
    *,
    who: str = "expert",
    confidence: str = "certain",
    night: int = 0,
    chosen_by: ChosenBy | None = ChosenBy.RANDOM,
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
                chosen_by=chosen_by,
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
                    labelled_by="quick", chosen_by=RANDOM,
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
    known = labelled_photos.answered

    def poisoned(session: Session, report: DriftReport) -> list[Answered]:
        if report.id == reports[0]:
            raise ArithmeticError
        return known(session, report)

    monkeypatch.setattr(labelled_photos, "answered", poisoned)
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


def seen(
    verdict: Advice, photo: int, specimen: str | None = None, chosen_by: ChosenBy | None = RANDOM
) -> Answered:
    """A deadly photo."""
    return Answered(DEADLY, DEADLY, verdict, specimen, f"photo {photo}", chosen_by)


def test_few_labels_decide_nothing() -> None:
    advice = [Advice.EXPERT_CHECK, *9 * [Advice.AVOID]]
    rows = [seen(verdict, photo) for photo, verdict in enumerate(advice)]
    outcomes = Realised.of(rows).misses.outcomes
    assert sorted(outcomes) == 9 * [0] + [1]
    weak = Proof(10, 1.0, e_value_above(0.1, outcomes))
    assert weak.e_value < 2
    assert Realised.of(rows).safety(0.1, weak) is Safety.UNKNOWN
    assert Realised.of(rows).safety(None, None) is Safety.UNKNOWN
    assert Realised.of([]).safety(0.1, weak) is Safety.UNKNOWN


def test_of_a_specimen_the_photo_with_the_lowest_hash_counts() -> None:
    hashes = {photo: sha256(f"photo {photo}".encode()).hexdigest() for photo in range(4)}
    lowest = min(hashes, key=lambda photo: hashes[photo])
    rows = [
        seen(Advice.EXPERT_CHECK if photo == lowest else Advice.AVOID, photo, "cap")
        for photo in range(4)
    ]
    night = Realised.of([*rows, seen(Advice.AVOID, 5), seen(Advice.EXPERT_CHECK, 6)]).misses
    assert sorted(night.outcomes) == [0, 1, 1]
    later = Realised.of([seen(Advice.AVOID, 7, "cap"), seen(Advice.AVOID, 8, "cap")]).misses
    both = Misses.together([later, night])
    assert sorted(both.outcomes) in ([0, 0, 1], [0, 1, 1])
    assert both == Misses.together([night, later])
    assert Misses.read({"random_misses": json.loads(json.dumps(asdict(night)))}) == night
    assert Misses.read({"misses": [0.5, 1.0]}).outcomes == []


def test_photos_that_were_not_chosen_at_random_prove_nothing() -> None:
    missed = [seen(Advice.EXPERT_CHECK, photo, chosen_by=None) for photo in range(8)]
    risky = [seen(Advice.EXPERT_CHECK, photo, chosen_by=ChosenBy.RISK) for photo in range(9)]
    random = [seen(Advice.AVOID, photo) for photo in range(5)]
    found = Realised.of([*missed, *risky, *random])
    assert (found.labelled, found.others, found.missed.successes) == (5, 17, 0)
    own = Realised.of([*missed, *risky])
    assert (own.labelled, own.others, own.missed.trials, own.specimens.trials) == (0, 17, 0, 0)
    assert own.misses.outcomes == []
    assert own.recall == {}


def test_a_contradicting_night_is_outweighed_by_later_ones() -> None:
    bad, good = Night(FIRST, 5, 10), Night(FIRST + PERIOD, 0, 60)
    assert contradiction.doubt([], 0.1) is None
    assert contradiction.doubt([Night(FIRST, 2, 10)], 0.1) is None
    found = contradiction.doubt([bad], 0.1)
    assert found is not None
    assert "5 of 10 deadly specimens were missed in the night of 2026-09-01" in found
    assert contradiction.doubt([good, bad], 0.1) is not None
    assert contradiction.doubt([bad, good], 0.1) is None


@pytest.mark.parametrize("chosen_by", [None, ChosenBy.RANDOM, ChosenBy.RISK])
def test_a_contradicting_night_makes_suspect_until_later_nights_agree(
    state: State, chosen_by: ChosenBy | None
) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        served.model.certificate = {"state": "valid", "bound": 0.1}
    states, reasons = [], []
    for place, night in enumerate(({"expert_check": 3, "avoid": 3}, {"avoid": 90})):
        with state.sessions.begin() as session:
            for verdict, rows in night.items():
                make_night(
                    session, served, night_of(place), rows=rows, label="deadly", verdict=verdict
                )
            make_report(session, served.model, served.reference, night=place, rows=20)
            label_all(session, "deadly", night=place, chosen_by=chosen_by)
        label_updates.run(state, now=night_of(place + 1).end)
        with state.sessions() as session:
            model = session.get_one(Model, served.model.id)
            states.append(model.certificate_state)
            reasons.append(model.certificate_reason)
    if chosen_by is not ChosenBy.RANDOM:
        assert states == ["valid", "valid"]
        return
    assert states == ["suspect", "valid"]
    assert "3 of 6 deadly specimens were missed" in reasons[0]
    assert reasons[1] == "labels of later nights agree with the bound"


def test_labels_that_callers_chose_leave_the_certificate_as_it_is(state: State) -> None:
    """Photos that somebody found conspicuous: all of them missed, and a few labelled by risk."""
    served = drifted_night(state, verdict="expert_check")
    with state.sessions.begin() as session:
        label_all(session, "deadly", chosen_by=None)
        label_all(session, "deadly", who="queue", chosen_by=ChosenBy.RISK)
    label_updates.run(state, now=NOW)
    with state.sessions.begin() as session:
        found = session.scalars(select(Incident)).one()
        resolve(session, found, resolution="calm again")
        assert session.get_one(Model, served.model.id).certificate_state == "valid"
    realised = only_report(state).realised or {}
    assert (realised["labelled"], realised["not_counted"]) == (0, 40)
    assert (realised["deadly"]["count"], realised["risk"]["rate"]) == (0, None)
    assert (realised["safety"], realised["proof"]["e_value"]) == ("unknown", 1.0)


def test_figures_of_a_release_that_counted_callers_labels_put_nothing_in_doubt(
    state: State,
) -> None:
    counted = {"deadly_specimens": {"count": 40, "missed": 40}, "chosen_at_random": False}
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        report = make_report(session, served.model, served.reference, rows=40)
        report.realised = counted
    with state.sessions() as session:
        assert contradiction.nights_of(session, served.model.id) == []


def test_a_photo_is_random_if_any_of_its_labels_says_so(state: State) -> None:
    drifted_night(state, verdict="avoid")
    with state.sessions.begin() as session:
        label_all(session, "deadly", who="certain", chosen_by=None)
        label_all(session, "deadly", who="asked", confidence="probable")
    label_updates.run(state, now=NOW)
    found = only_report(state).realised or {}
    assert (found["labelled"], found["chosen_at_random"]) == (40, True)


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
