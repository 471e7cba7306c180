"""A process that works and reaches Postgres has a fresh heartbeat file, any other an old one."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.beat import ScheduleEntry
from factories.mortal import MortalPostgres
from factories.outage import until
from threadpoolctl import (  # type: ignore[import-untyped]
    threadpool_info,
    threadpool_limits,
)

from mycovigil import cpu
from mycovigil.events.publisher import Publisher
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings
from mycovigil_worker import heartbeat as heartbeats
from mycovigil_worker import worker_process
from mycovigil_worker.app import BEAT_SECONDS, app
from mycovigil_worker.beat_scheduler import Scheduler
from mycovigil_worker.heartbeat import INTERVAL, STALE_MINUTES, Heartbeat
from mycovigil_worker.retrain import trigger
from mycovigil_worker.state import State
from mycovigil_worker.worker_process import LOOP_SECONDS, Activity, keep_beating

REPOSITORY = Path(__file__).resolve().parents[2]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def beating(settings: Settings, tmp_path: Path) -> Settings:
    drift = DriftSettings(heartbeat=tmp_path / "heartbeat")
    return settings.model_copy(update={"drift": drift})


@pytest.fixture
def file(beating: Settings) -> Path:
    assert beating.drift.heartbeat is not None
    return beating.drift.heartbeat


@pytest.fixture(scope="module")
def stopped_postgres(mortal_postgres: MortalPostgres) -> Iterator[str]:
    """The URL of a server that was stopped by SIGSTOP: it takes connections and is silent."""
    mortal_postgres.freeze()
    yield mortal_postgres.url
    mortal_postgres.thaw()


@pytest.fixture
def without_postgres(
    beating: Settings, stopped_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(heartbeats, "ANSWER_SECONDS", 0.5)
    return beating.model_copy(update={"database": DatabaseSettings(url=stopped_postgres)})


def test_the_file_is_touched_once_an_interval(beating: Settings, file: Path) -> None:
    clock = Clock()
    heartbeat = Heartbeat(beating, clock=clock)
    heartbeat.beat()
    os.utime(file, (0, 0))
    heartbeat.beat()
    assert file.stat().st_mtime == 0
    clock.now += INTERVAL
    heartbeat.beat()
    assert file.stat().st_mtime > 0


def test_nothing_is_touched_without_a_file(settings: Settings) -> None:
    assert settings.drift.heartbeat is None
    Heartbeat(settings).beat()


def test_beat_shows_that_postgres_is_stopped(
    without_postgres: Settings, beating: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: dict[str, ScheduleEntry] = {}
    for settings, shown in ((without_postgres, False), (beating, True)):
        monkeypatch.setattr(Settings, "load", lambda settings=settings: settings)
        Scheduler(app=app, schedule=entries, lazy=True).tick()
        assert file.exists() is shown


def test_the_trigger_shows_that_postgres_is_stopped(
    without_postgres: Settings, beating: Settings, file: Path
) -> None:
    class OneRound:
        """A broker without events, that stops the trigger after its first round."""

        def __init__(self) -> None:
            self.stop = threading.Event()

        def prepare(self) -> None: ...

        def receive(self, *_: object, wait: float) -> int:
            self.stop.set()
            return 0

        def publish(self, *_: object) -> None: ...

        def close(self) -> None: ...

    for settings, shown in ((without_postgres, False), (beating, True)):
        publisher = OneRound()
        typed: Publisher = publisher
        trigger.listen(State.of(settings), typed, publisher.stop)
        assert file.exists() is shown


class Enough(Exception):
    """Ends a loop that has no end."""


def beaten(settings: Settings, activity: Activity) -> None:
    """One round of the worker's heartbeat."""

    def wait(seconds: float) -> None:
        assert seconds < STALE_MINUTES * 60
        raise Enough

    with pytest.raises(Enough):
        keep_beating(Heartbeat(settings), activity, wait)


def test_the_worker_shows_that_postgres_is_stopped_although_a_task_runs(
    without_postgres: Settings, beating: Settings, file: Path
) -> None:
    activity = Activity()
    activity.task_started()
    beaten(without_postgres, activity)
    assert not file.exists()
    beaten(beating, activity)
    assert file.exists()


def test_a_worker_is_alive_while_its_loop_turns_or_a_task_runs(
    beating: Settings, file: Path
) -> None:
    clock = Clock()
    activity = Activity(clock=clock)
    clock.now += LOOP_SECONDS
    beaten(beating, activity)
    assert not file.exists(), "the loop is stuck"
    activity.task_started()
    clock.now += 10_000
    assert activity.is_alive(), "a solo worker's loop stands still while a night is judged"
    activity.task_ended()
    assert activity.is_alive()
    clock.now += LOOP_SECONDS
    assert not activity.is_alive()
    activity.loop_turned()
    assert activity.is_alive()


@pytest.mark.whole
def test_a_solo_worker_beats_while_it_runs_a_task(
    beating: Settings, file: Path, tmp_path: Path
) -> None:
    """A real worker with the real signals, whose only task waits for us."""
    code = (
        "import time, pathlib\n"
        "from mycovigil_worker import heartbeat, tick, worker_process\n"
        "from mycovigil_worker.app import app\n"
        "heartbeat.INTERVAL = worker_process.INTERVAL = 0.05\n"
        "worker_process.LOOP_SECONDS = 0.01\n"  # only the task keeps it alive
        f"go = pathlib.Path({str(tmp_path / 'go')!r})\n"
        f"at_work = pathlib.Path({str(tmp_path / 'at_work')!r})\n"
        "def wait(*_, **__):\n"
        "    at_work.touch()\n"
        "    while not go.exists(): time.sleep(0.01)\n"
        "tick.run = wait\n"
        "app.send_task('mycovigil_worker.nightly')\n"
        "app.worker_main(['worker', '-P', 'solo', '-Q', 'nights', '-l', 'error'])\n"
    )
    environment = os.environ | {
        "MYCOVIGIL_DATABASE_URL": beating.database.url.get_secret_value(),
        "MYCOVIGIL_REDIS_URL": beating.redis.url.get_secret_value(),
        "MYCOVIGIL_STORAGE_URL": beating.storage.url,
        "MYCOVIGIL_DRIFT_HEARTBEAT": str(file),
    }
    worker = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        until((tmp_path / "at_work").exists, 60)
        file.unlink(missing_ok=True)
        until(file.exists, 20)
    finally:
        (tmp_path / "go").touch()
        worker.terminate()
        worker.wait(30)


@pytest.mark.parametrize("image", ["services/worker/Dockerfile", "training/Dockerfile"])
def test_the_images_check_the_age_of_the_file(image: str) -> None:
    text = (REPOSITORY / image).read_text()
    assert "MYCOVIGIL_DRIFT_HEARTBEAT=/tmp/heartbeat" in text
    check = re.search(r"^HEALTHCHECK .* CMD find /tmp/heartbeat -mmin -(\d+) ", text, re.M)
    assert check is not None
    assert int(check.group(1)) == STALE_MINUTES
    assert max(BEAT_SECONDS, INTERVAL) * 2 < STALE_MINUTES * 60


HEAVY = ("numpy", "scipy", "sklearn", "pandas", "evidently")


@pytest.mark.parametrize(
    ("process", "imports", "forbidden"),
    [
        (
            "beat",
            "from mycovigil_worker.app import app; app.loader.import_default_modules()\n"
            "import mycovigil_worker.beat_scheduler",
            (*HEAVY, "sqlalchemy", "fsspec"),
        ),
        (
            "trigger",
            "import mycovigil_worker.__main__, mycovigil.events.publisher.pubsub\n"
            "import mycovigil.events.publisher.stream",
            HEAVY,
        ),
    ],
)
def test_what_sends_and_listens_imports_nothing_heavy(
    process: str, imports: str, forbidden: tuple[str, ...]
) -> None:
    code = f"{imports}\nimport sys; print([n for n in {forbidden} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]", process


def test_the_mathematics_of_nights_keep_to_the_containers_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with threadpool_limits(2):  # and as before afterwards
        monkeypatch.setattr(cpu, "available", lambda: 1)
        worker_process._import_ahead()
        assert {library["num_threads"] for library in threadpool_info()} == {1}
