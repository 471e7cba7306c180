"""Celery tasks: typed ids in, the process's state, one call to the service."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import OperationalError

from mycovigil.incidents import alert
from mycovigil_worker import retention
from mycovigil_worker.app import NAME, app
from mycovigil_worker.labels import label_updates
from mycovigil_worker.nights import nightly as nights
from mycovigil_worker.nights import requested
from mycovigil_worker.retrain import job_run, retrain_queue
from mycovigil_worker.state import State, process_state

log = structlog.get_logger(__name__)


@app.task(name=f"{NAME}.nightly")
def nightly() -> None:
    """Make missing reports, answer requests for others, let labels that came replace estimates,
    send alerts whose silence is over, make retrain jobs whose alert nobody heard, wake those that
    nobody runs."""
    tick(process_state(), datetime.now(tz=UTC))


def tick(state: State, now: datetime) -> None:
    """Each step by itself: one that fails is told and holds back none of the others."""
    steps: dict[str, Callable[[], object]] = {
        "nights": lambda: nights.run(state, now=now),
        "requests": lambda: requested.drain(state, now=now),
        "labels": lambda: label_updates.run(state, now=now),
        "silenced": lambda: tell_after_silence(state),
        "unheard": lambda: retrain_queue.ask_for_unheard(state, now=now),
        "waiting": lambda: retrain_queue.resend_waiting(state),
    }
    for name, step in steps.items():
        try:
            step()
        except OperationalError as error:
            log.warning("database away, the next tick tries again", error=str(error.orig))
            return
        except Exception:
            log.exception("a step of the tick failed, the next one tries again", step=name)


def tell_after_silence(state: State) -> None:
    """Send the alerts that a silence held back, now that it is over."""
    with state.sessions.begin() as session:
        for told in alert.release(session):
            log.info("told after a silence", alert=str(told.id), kind=told.kind)


@app.task(name=f"{NAME}.retrain")
def retrain_job(job_id: str) -> None:
    """Run one retrain job; does nothing where another worker holds its lease."""
    outcome = job_run.run(process_state(), uuid.UUID(job_id))
    log.info("retrain job", job=job_id, outcome=outcome)


@app.task(name=f"{NAME}.partitions")
def partitions() -> None:
    """Make the coming days' partitions of the prediction log."""
    state = process_state()
    with state.sessions.begin() as session:
        retention.make_partitions(session, state.settings, datetime.now(tz=UTC))


@app.task(name=f"{NAME}.retention")
def retire() -> None:
    """Drop days, photos and files that are past their time, and count rows that came late."""
    retention.run(process_state(), now=datetime.now(tz=UTC))
