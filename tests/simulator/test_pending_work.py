"""The demo goes on when all that was set off has happened, however slow a consumer is."""

import uuid

import pytest
from factories.incident import make_incident
from factories.night import make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, AlertKind
from mycovigil.db.message import OutboxMessage
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.events import inbox
from mycovigil.incidents import incident
from mycovigil_simulator.demo import pending_work, proof

PHOTOS = 60


@pytest.fixture
def drifted(clean_database: str, engine: Engine) -> uuid.UUID:
    """A night that drifted and was labelled, its alert published but not received."""
    with Session(engine) as session, session.begin():
        served = make_served(session, rows=100)
        make_night(session, served, night_of(0), rows=PHOTOS)
        report = make_report(
            session,
            served.model,
            served.reference,
            verdict=ReportVerdict.DRIFT,
            window_start=night_of(0).start,
            window_end=night_of(0).end,
            cause="camera_or_light",
        )
        make_incident(session, report)
        incident.confirm_harm(session, report, found="deadly photos were missed")
        session.execute(update(OutboxMessage).values(published_at=night_of(0).end))
        return report.id


def _received(engine: Engine, kind: AlertKind) -> None:
    """What the trigger does with an alert: inbox row, and the incident's job, which ends."""
    with Session(engine) as session, session.begin():
        alert = session.scalars(select(Alert).where(Alert.kind == kind)).one()
        assert alert.event_id is not None
        assert inbox.first_time(session, "retrain-trigger", alert.event_id)
        if kind is AlertKind.OPENED:
            asked = f"alert {alert.id}"
            session.add(
                RetrainJob(
                    incident_id=alert.incident_id,
                    requested_by=asked,
                    state=JobState.SUCCEEDED,
                    parameters={},
                )
            )


def test_a_slow_consumer_is_waited_for(
    drifted: uuid.UUID, clean_database: str, engine: Engine
) -> None:
    # what the proof counted when it was taken at the moment of the verdict
    _received(engine, AlertKind.OPENED)
    hasty = proof.collect(clean_database, PHOTOS)
    assert (hasty.escalations, hasty.escalations_received, hasty.events_waiting) == (1, 0, 0)
    assert not hasty.closed
    counted: list[dict[str, int]] = []

    def count() -> dict[str, int]:
        if len(counted) == 3:  # the consumer comes to it at last
            _received(engine, AlertKind.ESCALATED)
        counted.append(pending_work.unfinished(clean_database, PHOTOS))
        return counted[-1]

    pending_work.wait_for_none(count, timeout=60)
    assert counted == [*[{"alerts to receive": 1}] * 3, {}]
    assert proof.collect(clean_database, PHOTOS).closed


def test_every_kind_of_work_is_counted(
    drifted: uuid.UUID, clean_database: str, engine: Engine
) -> None:
    with Session(engine) as session, session.begin():
        report = session.get_one(DriftReport, drifted)
        photo = session.scalars(select(Prediction).limit(1)).one()
        session.add(
            Label(prediction_id=photo.id, label="deadly", confidence="certain", labelled_by="x")
        )
        session.add(RetrainJob(requested_by="me", state=JobState.QUEUED, parameters={}))
        session.execute(update(OutboxMessage).values(published_at=None))
        report.window_end = photo.created_at
        report.window_start = night_of(-1).start
    assert pending_work.unfinished(clean_database, PHOTOS + 2) == {
        "rows to log": 2,
        "rows to judge": PHOTOS,
        "labels to evaluate": 1,
        "events to publish": 2,
        "alerts to receive": 2,
        "retrain jobs to end": 1,
    }


def test_work_that_never_ends_is_named() -> None:
    with pytest.raises(TimeoutError, match="2 alerts to receive"):
        pending_work.wait_for_none(lambda: {"alerts to receive": 2}, timeout=0)
