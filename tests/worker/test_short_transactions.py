"""A night that is being judged blocks nobody, and leaves nothing when its worker is killed."""

import datetime
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from factories.baseline import make_baseline
from factories.environment import environment
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import InternalError

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.model import Model, Promotion
from mycovigil.db.report import DriftReport
from mycovigil.models import promotion
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.make_report import snapshot
from mycovigil_worker.nights.model_lock import model_lock
from mycovigil_worker.report import gallery
from mycovigil_worker.retention import files
from mycovigil_worker.state import State

MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)
KILLED_BEFORE_THE_WRITE = """
import datetime, os, signal
from mycovigil.settings import Settings
from mycovigil_worker.nights import nightly
from mycovigil_worker.report import evidently_report, write
from mycovigil_worker.report.evidently_report import Stored
from mycovigil_worker.state import State


def stored(storage, report_id, *_):  # empty pages, as of `brief_pages`
    pages = (f"reports/{{report_id}}/evidently.{{kind}}" for kind in ("html", "json"))
    return Stored(*(storage.write(page, b"") for page in pages))


evidently_report.stored = stored
write.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
nightly.run(State.of(Settings.load()), now=datetime.datetime.fromisoformat({now!r}))
"""


def drifted_night(state: State) -> uuid.UUID:
    """Of a model that replaced another one; returns the earlier model's id."""
    with state.sessions.begin() as session:
        earlier = make_served(session, since=FIRST - 5 * PERIOD)
        earlier.model.status = "archived"
        session.flush()
        served = make_served(session)
        session.execute(
            update(Promotion)
            .where(Promotion.model_id == served.model.id)
            .values(replaced_id=earlier.model.id)
        )
        make_night(session, served, night_of(0), shift=1.0)
    make_baseline(state)
    return earlier.model.id


@contextmanager
def judging_held(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A nightly run in another thread, in the middle of explaining a drift."""
    arrived, go_on = threading.Event(), threading.Event()
    gathered = gallery.gathered

    def held(*args: Any, **options: Any) -> Any:
        arrived.set()
        assert go_on.wait(60)
        return gathered(*args, **options)

    monkeypatch.setattr(gallery, "gathered", held)
    night = threading.Thread(target=lambda: nightly.run(state, now=MORNING))
    night.start()
    try:
        assert arrived.wait(60)
        yield
    finally:
        go_on.set()
        night.join()


def test_a_rollback_does_not_wait_for_a_night_and_the_night_alerts_nobody_afterwards(
    state: State, brief_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = drifted_night(state)
    with judging_held(state, monkeypatch), state.sessions.begin() as session:
        session.execute(text("SET LOCAL lock_timeout = '1s'"))
        promotion.rollback(session, decided_by="test", reason="while a night is judged")
    with state.sessions() as session:
        production = session.scalars(select(Model).where(Model.status == "production")).one()
        report = session.scalars(select(DriftReport)).one()
        assert session.scalars(select(Alert)).all() == []
        assert session.scalars(select(Incident)).all() == []
    assert production.id == earlier
    assert (report.verdict, len(report.gallery)) == ("drift", 20)
    assert nightly.run(state, now=MORNING) == []


def test_while_a_night_is_judged_no_transaction_holds_a_write_lock(
    state: State, brief_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted_night(state)
    writing = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' "
        "AND backend_xid IS NOT NULL"
    )
    with judging_held(state, monkeypatch), state.sessions() as session:
        assert session.scalar(writing) == 0


@pytest.mark.whole
def test_a_worker_killed_before_the_write_leaves_a_page_that_retention_deletes(
    state: State, brief_pages: None
) -> None:
    drifted_night(state)
    code = KILLED_BEFORE_THE_WRITE.format(now=MORNING.isoformat())
    killed = subprocess.run(
        [sys.executable, "-c", code], env=environment(state.settings, port=0), check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with state.sessions() as session:
        for table in (DriftReport, Incident, Alert):
            assert session.scalar(select(func.count()).select_from(table)) == 0
    orphans = state.storage.keys("reports")
    assert len(orphans) == 2
    assert len(nightly.run(state, now=MORNING)) == 1  # the lock went with the process
    later = datetime.datetime.now(tz=datetime.UTC) + 2 * PERIOD
    with state.sessions.begin() as session:
        assert files.delete_orphaned_pages(session, state.storage, later) == 2
        report = session.scalars(select(DriftReport)).one()
    assert state.storage.exists(str(report.evidently_uri))
    assert not any(state.storage.exists(page) for page in orphans)


def test_one_worker_at_a_time_and_a_dead_ones_lock_is_free(state: State) -> None:
    model = uuid.uuid4()
    with model_lock(state.engine, model) as held, model_lock(state.engine, model) as again:
        assert (held, again) == (True, False)
        with state.sessions.begin() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND granted AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
        with model_lock(state.engine, model) as taken_over:
            assert taken_over
    with model_lock(state.engine, model) as free:
        assert free


def test_a_snapshot_can_write_nothing(state: State) -> None:
    with pytest.raises(InternalError, match="read-only"), snapshot(state) as session:
        session.execute(update(Model).values(version="x"))
