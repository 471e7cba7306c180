"""One tick: whatever is due now, each step by itself."""

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError

from mycovigil.incidents import alert
from mycovigil_worker.comparisons import answer
from mycovigil_worker.label_queue import fill
from mycovigil_worker.labels import label_updates
from mycovigil_worker.nights import calm, nightly, requested
from mycovigil_worker.retrain import label_wait, reencoding, retrain_queue
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def run(state: State, now: datetime, *, ask_help: Callable[[], object] | None = None) -> None:
    """Answer comparisons, make missing reports, end drifts that are over, answer requests, update
    figures by new labels, release alerts whose silence is over, create retrain jobs that are
    missing, ask for labels, queue the jobs whose labels have come, end trainings that nobody waits
    for, and send the jobs that no worker runs.

    A step that fails is logged and holds back none of the others.
    """
    steps: dict[str, Callable[[], object]] = {
        "comparisons": lambda: answer.drain(state, now=now),
        "nights": lambda: nightly.run(state, now=now, ask_help=ask_help),
        "calm": lambda: calm.end_by_calm(state),
        "requests": lambda: requested.drain(state, now=now),
        "labels": lambda: label_updates.run(state, now=now),
        "silenced alerts": lambda: release_silenced(state),
        "missing jobs": lambda: retrain_queue.create_missing(state, now=now),
        "label queue": lambda: fill.run(state, now=now),
        "jobs without labels": lambda: label_wait.advance(state, now=now),
        "abandoned trainings": lambda: retrain_queue.send_abandoned(state),
        "waiting jobs": lambda: retrain_queue.resend_waiting(state),
        "days to encode": lambda: reencoding.resend_waiting(state),
    }
    for name, step in steps.items():
        try:
            step()
        except OperationalError as error:
            log.warning("database away, the next tick tries again", error=str(error.orig))
            return
        except Exception:
            log.exception("a step of the tick failed, the next one tries again", step=name)


def release_silenced(state: State) -> None:
    """Send the alerts that a silence held back, if it is over."""
    with state.sessions.begin() as session:
        for released in alert.release(session):
            log.info("alert sent after a silence", alert=str(released.id), kind=released.kind)
