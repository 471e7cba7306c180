"""Migrations at once, and two of every worker and beat."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from factories.environment import environment
from factories.night import make_night, make_served
from factories.outage import DEADLINE, until
from factories.valkey_server import valkey
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport
from mycovigil.postgres import migration
from mycovigil.references.window import Window
from mycovigil.settings import DatabaseSettings, RedisSettings, Settings
from mycovigil_local.postgres import create_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
Tell = Callable[..., None]


def test_migrations_at_once_one_of_them_killed(
    postgres_server: str, tmp_path: Path, tell: Tell
) -> None:
    codes: Counter[int] = Counter()
    for turn in range(5):
        url = create_database(postgres_server, f"migrations_{turn}_{os.getpid()}")
        command = [sys.executable, "-m", "mycovigil", "migrate"]
        variables = os.environ | {
            "MYCOVIGIL_DATABASE_URL": url,
            "MYCOVIGIL_STORAGE_URL": str(tmp_path / str(turn)),
        }
        processes = [
            subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) for _ in range(3)
        ]
        until(lambda url=url: _begun(url))  # type: ignore[misc]
        processes[0].kill()
        codes.update(process.wait(DEADLINE) for process in processes[1:])
        processes[0].wait(DEADLINE)
        migration.check(DatabaseSettings(url=url))
    tell("three migrations, one killed, 5 times", done=codes[0], failed=codes.total() - codes[0])
    assert set(codes) == {0}


def _begun(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        ).fetchone()
    return bool(found and found[0])


def test_two_beats_and_two_workers_judge_each_night_once(
    settings: Settings, clean_database: str, engine: Engine, tmp_path: Path, tell: Tell
) -> None:
    """Three periods of four seconds; retention runs beside them."""
    period = timedelta(seconds=4)
    seconds = {"MYCOVIGIL_DRIFT_PERIOD_SECONDS": "4", "MYCOVIGIL_DRIFT_GRACE_SECONDS": "0.2"}
    with valkey(tmp_path / "valkey") as (url, _), ExitStack() as processes:
        own = settings.model_copy(update={"redis": RedisSettings(url=url)})
        variables = environment(own, port=0, MYCOVIGIL_DRIFT_WINDOWS="1") | seconds
        with Session(engine) as session, session.begin():
            served = make_served(session, rows=600)
            now = datetime.now(tz=UTC)
            first = datetime.fromtimestamp(now.timestamp() // 4 * 4, tz=UTC)
            windows = [Window(first + n * period, first + (n + 1) * period) for n in range(-3, 0)]
            for window in windows:
                make_night(session, served, window, rows=60)
        logs = [processes.enter_context((tmp_path / f"log{n}").open("wb")) for n in range(4)]
        celery = [sys.executable, "-m", "celery", "-A", "mycovigil_worker.app"]
        for number, log in enumerate(logs):
            role = (
                ["worker", "-P", "solo", "-Q", "nights", "-n", f"w{number}@chaos"]
                if number < 2
                else ["beat", "-s", str(tmp_path / f"schedule{number}")]
            )
            processes.enter_context(_running([*celery, *role], variables, log))
        until(lambda: len(_judged(engine, windows)) >= len(windows), 400)
        for _ in range(5):  # the same minute's retention, by both
            subprocess.run(
                [*celery, "call", "mycovigil_worker.retention"],
                env=variables,
                check=True,
                stdout=subprocess.DEVNULL,
            )
    judged = _judged(engine, windows)
    tracebacks = sum(log.read_text().count("Traceback") for log in tmp_path.glob("log*"))
    tell(
        "two beats, two workers, retention",
        windows=len(windows),
        reports=len(judged),
        twice=len(judged) - len(set(judged)),
        tracebacks=tracebacks,
    )
    assert sorted(set(judged)) == [window.start for window in windows]
    assert len(judged) == len(windows)
    assert tracebacks == 0


def _judged(engine: Engine, windows: list[Window]) -> list[datetime]:
    starts = [window.start for window in windows]
    with Session(engine) as session:
        return list(
            session.scalars(
                select(DriftReport.window_start).where(DriftReport.window_start.in_(starts))
            )
        )


@contextmanager
def _running(command: list[str], variables: dict[str, str], log: object) -> Iterator[None]:
    process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)
