"""From alert to retrain job: a subscriber in which each alert takes effect once."""

import threading
import uuid

import structlog
from sqlalchemy import exc
from sqlalchemy.orm import Session

from mycovigil.backoff import Backoff
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.events import inbox
from mycovigil.events.event import Event, EventType, Topic
from mycovigil.events.publisher import Publisher, Unavailable
from mycovigil.settings import TrainingSettings
from mycovigil_worker.heartbeat import Heartbeat
from mycovigil_worker.retrain import retrain_queue
from mycovigil_worker.state import State

SUBSCRIPTION = "retrain-trigger"
WAIT = 2.0
BACKOFF = Backoff(first=1.0, longest=30.0)
RETRAIN_ALERTS = frozenset({EventType.ALERT_OPENED, EventType.ALERT_ESCALATED})

log = structlog.get_logger(__name__)


def record(session: Session, training: TrainingSettings, event: Event) -> RetrainJob | None:
    """Inbox row and, for an alert that calls for a retrain, its job; returns the job if it is new.

    One job an incident: an escalation of an incident that has one makes no second.
    """
    if not inbox.first_time(session, SUBSCRIPTION, event.id) or event.type not in RETRAIN_ALERTS:
        return None
    return retrain_queue.create(
        session,
        training,
        uuid.UUID(event.data["incident_id"]),
        alert=event.data["alert_id"],
        cause=event.data["cause"],
        report_id=event.data["report_id"],
    )


def handle(state: State, event: Event) -> None:
    """Commit first, send after: a crash between the two is mended by the nightly tick.

    Raises:
        Unavailable: Postgres is away, which is no fault of the event.
    """
    try:
        with state.sessions.begin() as session:
            job = record(session, state.settings.training, event)
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise Unavailable(f"database away: {error}") from error
    if job is not None:
        log.info("retrain job", job=str(job.id), state=job.state, incident=str(job.incident_id))
        if job.state == JobState.QUEUED:
            retrain_queue.send(state, job.id)


def listen(state: State, publisher: Publisher, stop: threading.Event) -> None:
    """Receive alerts until ``stop`` is set; a broker that is away is tried again."""
    heartbeat, failures = Heartbeat(state.settings), 0
    while not stop.is_set():
        try:
            publisher.prepare()
            log.info("waiting for alerts", subscription=SUBSCRIPTION)
            while not stop.is_set():
                publisher.receive(
                    Topic.ALERTS, SUBSCRIPTION, lambda event: handle(state, event), wait=WAIT
                )
                heartbeat.beat()
                failures = 0
        except Unavailable as error:
            log.warning("alerts wait", error=str(error))
            failures += 1
            stop.wait(BACKOFF.seconds(failures))
        except Exception as error:  # each broker has its own errors; all mean "try again"
            log.warning("broker away", error=f"{type(error).__name__}: {error}")
            failures += 1
            stop.wait(BACKOFF.seconds(failures))
