"""Whoever asks for a report or a retrain does not wait for the next turn of the schedule."""

import queue
import threading
from collections.abc import Iterator

import pytest
from factories.outage import DEADLINE, until
from redis import ResponseError
from sqlalchemy import text

from mycovigil.backoff import Backoff
from mycovigil.events import wake as notices
from mycovigil_worker import wake
from mycovigil_worker.app import app
from mycovigil_worker.state import State

LISTENERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mycovigil-wake' "
    "AND datname = current_database()"
)
CUT = LISTENERS.replace("count(*)", "pg_terminate_backend(pid)")


@pytest.fixture
def sent(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.Queue[str]]:
    """Tasks handed to Celery while the listener runs; the broker's side is Celery's business."""
    tasks: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(wake, "BACKOFF", Backoff(first=0.01, longest=0.05))
    monkeypatch.setattr(wake, "TURN_SECONDS", 0.05)
    monkeypatch.setattr(app, "send_task", lambda name, **_: tasks.put(name))
    stop = threading.Event()
    thread = wake.start(state.settings, stop)
    tasks.get(timeout=DEADLINE)  # sent once it listens
    yield tasks
    stop.set()
    thread.join(DEADLINE)
    assert not thread.is_alive()


def listeners(state: State) -> int:
    with state.sessions() as session:
        return session.scalar(text(LISTENERS)) or 0


def ask(state: State) -> None:
    with state.sessions.begin() as session:
        notices.worker(session)


def test_a_commit_sends_a_tick_and_a_rollback_none(state: State, sent: queue.Queue[str]) -> None:
    with state.sessions() as session:
        notices.worker(session)
        session.rollback()
    ask(state)
    assert sent.get(timeout=DEADLINE) == "mycovigil_worker.nightly"
    assert sent.empty()


def test_who_asks_while_the_listener_is_cut_off_does_not_wait_for_the_schedule(
    state: State, sent: queue.Queue[str]
) -> None:
    with state.sessions.begin() as session:
        session.execute(text(CUT))
    ask(state)  # heard or not
    assert sent.get(timeout=DEADLINE) == "mycovigil_worker.nightly"
    until(lambda: listeners(state) == 1)


@pytest.mark.parametrize("error", [ResponseError("OOM command not allowed"), OSError("no route")])
def test_a_broker_that_takes_no_task_is_tried_again(
    state: State, sent: queue.Queue[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    errors = [error, error]
    takes = app.send_task

    def refuse(name: str, **options: object) -> None:
        if errors:
            raise errors.pop()
        takes(name, **options)

    monkeypatch.setattr(app, "send_task", refuse)
    ask(state)
    assert sent.get(timeout=DEADLINE) == "mycovigil_worker.nightly"
    assert errors == []
