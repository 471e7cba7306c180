"""Celery tasks: typed ids in, one call each.

What a task needs is imported when it runs: beat imports this module for the tasks' names, and has
no use for NumPy, SciPy and Evidently.
"""

import uuid
from datetime import UTC, date, datetime

import structlog
from kombu.exceptions import OperationalError

from mycovigil_worker.app import NAME, app

# Who has no time by then finds nothing left to help with.
HELP_SECONDS = 3_600
log = structlog.get_logger(__name__)


@app.task(name=f"{NAME}.nightly")
def nightly() -> None:
    """Do whatever is due now."""
    from mycovigil_worker import tick
    from mycovigil_worker.state import process_state

    tick.run(process_state(), datetime.now(tz=UTC), ask_help=ask_help)


@app.task(name=f"{NAME}.nights")
def nights() -> None:
    """Help a worker that has nights of several models to judge."""
    from mycovigil_worker.nights import nightly as due
    from mycovigil_worker.state import process_state

    due.run(process_state(), now=datetime.now(tz=UTC), ask_help=ask_help)


def ask_help() -> None:
    """Send one helper's message; a helper sends the next, so that one too many is all that waits
    where every worker is busy. A broker that is away leaves the nights to who has them."""
    try:
        app.send_task(f"{NAME}.nights", expires=HELP_SECONDS)
    except (OperationalError, ConnectionError) as error:
        log.warning("no other worker is asked", error=str(error))


@app.task(name=f"{NAME}.retrain")
def retrain_job(job_id: str) -> None:
    """Run one retrain job; does nothing where another worker holds its lease."""
    from mycovigil_worker.retrain import job_run
    from mycovigil_worker.state import process_state

    ending = job_run.run(process_state(), uuid.UUID(job_id))
    log.info("retrain job", job=job_id, ending=ending)


@app.task(name=f"{NAME}.cancel_abandoned")
def cancel_abandoned() -> None:
    """End trainings on Vertex AI that nobody waits for."""
    from mycovigil_worker.retrain.vertex import abandoned
    from mycovigil_worker.state import process_state

    abandoned.cancel(process_state())


@app.task(name=f"{NAME}.reencode")
def reencode_day(encoder_id: str, day: str) -> None:
    """Encode the kept photos of a day anew, for one turn."""
    from mycovigil_worker.retrain import reencoding
    from mycovigil_worker.state import process_state

    ending = reencoding.run(process_state(), uuid.UUID(encoder_id), date.fromisoformat(day))
    log.info("day encoded anew", encoder=encoder_id, day=day, ending=ending)


@app.task(name=f"{NAME}.partitions")
def partitions() -> None:
    """Make the coming days' partitions of the prediction log."""
    from mycovigil_worker.retention import days
    from mycovigil_worker.state import process_state

    state = process_state()
    with state.sessions.begin() as session:
        days.make(session, state.settings, datetime.now(tz=UTC))


@app.task(name=f"{NAME}.retention")
def retire() -> None:
    """Delete days, photos and files past their time, and count rows that came late."""
    from mycovigil_worker.retention import run
    from mycovigil_worker.state import process_state

    run.run(process_state(), now=datetime.now(tz=UTC))
