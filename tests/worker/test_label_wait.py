"""Retraining needs something to learn: a job waits for labels of the days that drifted."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from factories.incident import alert_of, make_incident
from factories.label import make_labels
from factories.model import make_model
from factories.night import Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind, Incident
from mycovigil.db.encoder import Encoder
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil.events.event import Event, EventType
from mycovigil.incidents import incident, label_progress
from mycovigil.incidents.label_progress import Specimens
from mycovigil.models import promotion
from mycovigil_worker.retrain import job_run, label_wait, retrain_queue, trigger
from mycovigil_worker.retrain import lease as leases
from mycovigil_worker.retrain.job_run import Ending
from mycovigil_worker.retrain.training import Result
from mycovigil_worker.state import State

NOW = datetime(2026, 9, 3, tzinfo=UTC)
ROWS = 80


@dataclass(frozen=True)
class Drifted:
    """An incident whose alert was heard; ``photos``: of its night, 30 called deadly first."""

    served: Served
    incident: uuid.UUID
    job: uuid.UUID
    photos: Sequence[uuid.UUID]


@pytest.fixture
def drifted(state: State) -> Drifted:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        photos = make_photos(session, served, ROWS)
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        found = make_incident(session, report)
        alert_of(session, found)
        event = Event.model_validate(session.scalars(select(OutboxMessage.event)).one())
    with state.sessions.begin() as session:
        job = trigger.record(session, state.settings.training, event)
    assert job is not None
    return Drifted(served, found.id, job.id, photos)


def make_photos(session: Session, served: Served, rows: int) -> Sequence[uuid.UUID]:
    make_night(session, served, night_of(0), rows=rows, label="edible")
    photos = session.scalars(select(Prediction.id).order_by(Prediction.created_at)).all()
    dangerous = Prediction.id.in_(photos[:30])
    session.execute(update(Prediction).where(dangerous).values(label="deadly"))
    return photos


def job_of(state: State, drifted: Drifted) -> RetrainJob:
    with state.sessions() as session:
        return session.get_one(RetrainJob, drifted.job)


def give(state: State, photos: Sequence[uuid.UUID], **values: str) -> None:
    with state.sessions.begin() as session:
        make_labels(session, photos)
        if values:
            session.execute(update(Label).where(Label.prediction_id.in_(photos)).values(**values))


def alerts(state: State) -> list[str]:
    with state.sessions() as session:
        wanted = Alert.kind == AlertKind.LABELS_WANTED
        return list(session.scalars(select(Alert.message).where(wanted)))


def test_an_alert_makes_its_job_at_once_and_it_goes_on_when_labels_come(
    state: State, drifted: Drifted
) -> None:
    job = job_of(state, drifted)
    assert (job.state, job.labels_needed, job.dangerous_needed) == ("waiting_for_labels", 50, 10)
    with state.sessions.begin() as session:
        assert retrain_queue.waiting(session, NOW) == [], "no worker trains without labels"
        assert leases.take(session, drifted.job) is None
    give(state, drifted.photos[25:75])
    assert label_wait.advance(state, now=NOW) == [], "50 labels, but five of dangerous ones"
    give(state, drifted.photos[:5], confidence="guess")
    assert label_wait.advance(state, now=NOW) == [], "a guess teaches nothing"
    give(state, drifted.photos[5:10])
    assert label_wait.advance(state, now=NOW) == [drifted.job]
    assert label_wait.advance(state, now=NOW) == []
    assert job_of(state, drifted).state == "queued"


def test_a_small_night_needs_all_of_its_specimens_and_a_session_is_one(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        photos = make_photos(session, served, 40)
        one = Prediction.id.in_(photos[:4])
        session.execute(update(Prediction).where(one).values(group_key="one specimen"))
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        found = make_incident(session, report)
        job = retrain_queue.create(
            session, state.settings.training, found.id, alert="a", cause="", report_id=None
        )
        assert job is not None
        assert (job.state, job.labels_needed, job.dangerous_needed) == (
            "waiting_for_labels",
            37,
            10,
        )
    give(state, photos[3:])
    assert label_wait.advance(state, now=NOW) == [job.id]


def test_near_equal_photos_of_one_key_within_minutes_are_one_specimen(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        photos = make_photos(session, served, 40)
        session.execute(update(Prediction).values(key_prefix="a1", fingerprint=None))
        burst = {"fingerprint": bytes(56), "created_at": night_of(0).start}
        for number, identifier in enumerate(photos[:4]):
            at = night_of(0).start + timedelta(seconds=30 * number)
            one = update(Prediction).where(Prediction.id == identifier)
            session.execute(one.values(burst | {"created_at": at}))
        far = bytes(8) + bytes([255]) * 48
        other = update(Prediction).where(Prediction.id == photos[3])
        session.execute(other.values(fingerprint=far))
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        found = make_incident(session, report)
        assert label_progress.within(session, found).all == 38
        make_labels(session, photos[:4])
        assert label_progress.labelled(session, found) == Specimens(2, 2)


def test_labels_that_are_there_already_queue_the_job_at_once(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        make_labels(session, make_photos(session, served, ROWS))
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        found = make_incident(session, report)
        job = retrain_queue.create(
            session, state.settings.training, found.id, alert="a", cause="", report_id=None
        )
        assert job is not None
        assert job.state == "queued"


def refused(state: State, drifted: Drifted) -> Ending:
    """Train a candidate that the gate refuses, as a worker does."""
    with state.sessions.begin() as session:
        lease = leases.take(session, drifted.job)
        gate = {"against": str(drifted.served.model.id), "passed": False, "reason": "worse"}
        candidate = make_model(session, metrics={"gate": gate})
        assert lease is not None
    told = Result.model_validate({"model_id": candidate.id, "gate": gate})
    with state.sessions.begin() as session:
        return job_run.conclude(session, state.settings, lease, told)


def test_a_refused_candidate_waits_for_half_as_many_more(state: State, drifted: Drifted) -> None:
    give(state, drifted.photos[:50])
    label_wait.advance(state, now=NOW)
    assert refused(state, drifted) is Ending.MORE_LABELS
    job = job_of(state, drifted)
    assert (job.state, job.labels_needed, job.dangerous_needed) == ("waiting_for_labels", 75, 30)
    assert (job.refusals, job.attempts, job.finished_at) == (1, 0, None)
    assert label_wait.advance(state, now=NOW) == []
    give(state, drifted.photos[50:75])
    assert label_wait.advance(state, now=NOW) == [drifted.job]
    assert refused(state, drifted) is Ending.MORE_LABELS
    assert job_of(state, drifted).labels_needed == ROWS, "there are no more specimens"
    give(state, drifted.photos[75:])
    assert label_wait.advance(state, now=NOW) == [drifted.job]
    assert refused(state, drifted) is Ending.REFUSED
    job = job_of(state, drifted)
    assert (job.state, job.refusals) == ("succeeded", 3)
    assert alerts(state) == [
        "The retrain ended without a new model: all specimens of its days are labelled, and 3 "
        "candidates were refused."
    ]


def test_it_waits_again_three_times_at_most(state: State, drifted: Drifted) -> None:
    endings = []
    for _ in range(4):
        with state.sessions.begin() as session:
            session.execute(update(RetrainJob).values(state="queued"))
        endings.append(refused(state, drifted))
    assert endings == [*[Ending.MORE_LABELS] * 3, Ending.REFUSED]
    assert alerts(state) == [
        "The retrain ended without a new model: 4 candidates were refused by the gate."
    ]


def test_a_person_is_asked_once_after_thirty_days(state: State, drifted: Drifted) -> None:
    started = job_of(state, drifted).waiting_since
    assert started is not None
    for days in (29, 31, 32):
        label_wait.advance(state, now=started + timedelta(days=days))
    assert len(alerts(state)) == 1
    assert alerts(state)[0].startswith("The retrain has waited for labels for 30 days: 0 of 50")
    with state.sessions() as session:
        events = [Event.model_validate(e) for e in session.scalars(select(OutboxMessage.event))]
        asked = [event for event in events if event.type is EventType.ALERT_LABELS_WANTED]
    assert len(asked) == 1
    with state.sessions.begin() as session:
        assert trigger.record(session, state.settings.training, asked[0]) is None


@pytest.mark.parametrize("before", ["waiting_for_labels", "queued", "running"])
def test_the_job_is_cancelled_when_its_incident_ends(
    state: State, drifted: Drifted, before: str
) -> None:
    with state.sessions.begin() as session:
        session.execute(update(RetrainJob).values(state="queued"))
        lease = leases.take(session, drifted.job)
        session.execute(update(RetrainJob).values(state=before))
        found = session.get_one(Incident, drifted.incident)
        incident.resolve(session, found, resolution="the camera was repaired")
    job = job_of(state, drifted)
    assert (job.state, job.finished_at is None) == ("cancelled", False)
    assert lease is not None
    with state.sessions.begin() as session:
        assert not leases.renew(session, lease), "its worker loses the lease and stops"
        assert leases.take(session, drifted.job) is None
    assert label_wait.advance(state, now=NOW) == []


def test_a_job_waits_on_for_the_model_that_a_person_promoted(
    state: State, drifted: Drifted
) -> None:
    gate = {"against": str(drifted.served.model.id), "passed": True, "reason": "test"}
    with state.sessions.begin() as session:
        other = make_model(session, metrics={"gate": gate})
        promotion.promote(session, other.id, decided_by="a person")
    assert job_of(state, drifted).state == "waiting_for_labels"
    assert label_wait.advance(state, now=NOW) == []
    assert job_of(state, drifted).state == "waiting_for_labels"
    with state.sessions.begin() as session:
        promotion.rollback(session, decided_by="a person", reason="it was worse")
        assert session.get_one(Model, drifted.served.model.id).status == "production"
    assert job_of(state, drifted).state == "waiting_for_labels"


def test_a_job_of_a_model_that_left_is_cancelled_by_the_tick(
    state: State, drifted: Drifted
) -> None:
    with state.sessions.begin() as session:
        session.execute(update(Model).values(status="archived"))
    give(state, drifted.photos)
    assert label_wait.advance(state, now=NOW) == []
    assert job_of(state, drifted).state == "cancelled"


def test_a_job_from_before_labels_were_waited_for_learns_how_many_it_needs(
    state: State, drifted: Drifted
) -> None:
    """Of release 0.1: its candidate learned from no label, and the drift went on. With one label
    the job would train again and again, and no candidate of it would end the incident."""
    gate = {"against": str(drifted.served.model.id), "passed": True, "reason": "test"}
    with state.sessions.begin() as session:
        session.execute(
            update(RetrainJob).values(state="queued", labels_needed=None, dangerous_needed=None)
        )
        lease = leases.take(session, drifted.job)
        candidate = make_model(
            session,
            encoder=session.get_one(Encoder, drifted.served.model.encoder_id),
            metrics={"gate": gate},
        )
    assert lease is not None
    told = Result.model_validate({"model_id": candidate.id, "gate": gate})
    with state.sessions.begin() as session:
        assert job_run.conclude(session, state.settings, lease, told) is Ending.PROMOTED
        assert session.get_one(Incident, drifted.incident).state == "open"
    give(state, drifted.photos[:1])
    assert label_wait.advance(state, now=NOW) == [], "one label is not enough"
    job = job_of(state, drifted)
    assert (job.state, job.labels_needed, job.dangerous_needed) == ("waiting_for_labels", 50, 10)
