"""Days whose kept photos are encoded anew: sent as one Celery group, each a task of short turns in
a child process of the trainer."""

import datetime
import json
import uuid
from collections.abc import Sequence

import structlog
from celery import group
from kombu.exceptions import OperationalError

from mycovigil.reencoding import lease, request
from mycovigil_worker.app import NAME, RETRAIN, app, tick_of
from mycovigil_worker.retrain import training
from mycovigil_worker.retrain.training import Interrupted, TrainingFailed
from mycovigil_worker.retrain.training_process import Child
from mycovigil_worker.state import State

TASK = f"{NAME}.reencode"
# Redis hands out messages of lower numbers first: a retrain goes before every waiting day.
AFTER_RETRAINS = 9
MORE, NOT_MINE = "more", "not mine"
Day = tuple[uuid.UUID, datetime.date]

log = structlog.get_logger(__name__)


def run(state: State, encoder_id: uuid.UUID, day: datetime.date) -> str:
    """Encode the day for one turn, and send it again if it needs more; returns how it ended.

    Safe to call for any day at any time: only one process has its lease. A turn that fails has
    written why; the tick sends the day again. A message of before costs no process.
    """
    with state.sessions() as session:
        if (encoder_id, day) not in request.waiting(session):
            return NOT_MINE
    arguments = ("reencode", "--encoder", str(encoder_id), "--day", day.isoformat())
    try:
        ended = training.followed(Child(state.settings.training, arguments))
    except (Interrupted, TrainingFailed) as reason:
        return str(reason)
    if ended.timed_out or ended.code != 0:
        problem = ended.errors[-1] if ended.errors else f"ended with code {ended.code}"
        log.warning("a day is not encoded, will be", day=str(day), reason=problem)
        return problem
    ending = str(json.loads(ended.output[-1])["ending"])
    if ending == MORE:
        send(state, [(encoder_id, day)])
    return ending


def send(state: State, days: Sequence[Day]) -> bool:
    """Hand the days to Celery as a group; false if the broker is away (the next tick sends them
    again). A message that no worker took within two ticks expires, for the tick sends another."""
    expires = max(2 * tick_of(state.settings).total_seconds(), 60)
    tasks = [
        app.signature(
            TASK,
            args=(str(encoder_id), day.isoformat()),
            queue=RETRAIN,
            priority=AFTER_RETRAINS,
            expires=expires,
        )
        for encoder_id, day in days
    ]
    try:
        if tasks:
            group(tasks, app=app).apply_async()
    except (OperationalError, ConnectionError) as error:
        log.warning("days to encode are not sent, will be", days=len(tasks), error=str(error))
        return False
    return True


def resend_waiting(state: State) -> list[Day]:
    """Send every day that no worker encodes; taking its lease makes a second message harmless."""
    with state.sessions.begin() as session:
        lease.give_up(session)
        days = request.waiting(session)
    return days if send(state, days) else []
