"""``mycovigil up``: everything starts, says where it is, and leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from factories.photo import make_photo

from mycovigil.cli import adopt_local_stack
from mycovigil.stack_file import AlreadyRunning, claim
from mycovigil_simulator.demo.clock import eventually

pytestmark = pytest.mark.whole
START_TIMEOUT = 150.0


class Up:
    """A running ``mycovigil up`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mycovigil", "up", "--data-dir", str(self.data)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={n: v for n, v in os.environ.items() if not n.startswith("PUBSUB_EMULATOR")},
            # a test run in the background of a shell ignores SIGINT, and so would its children
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        self.stack: dict[str, Any] = eventually(self._read, "stack.json", timeout=START_TIMEOUT)

    def _read(self) -> dict[str, Any] | None:
        if self.process.poll() is not None:
            raise AssertionError(self.process.communicate()[0])
        file = self.data / "stack.json"
        return json.loads(file.read_text()) if file.exists() else None

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    started = Up(tmp_path_factory.mktemp("up"))
    yield started
    started.stop()


def test_the_beacon_is_for_its_owner_alone(up: Up) -> None:
    file = up.data / "stack.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    wanted = {"predictor_url", "drift_url", "api_key", "database_url", "redis_url", "pubsub"}
    assert wanted <= set(up.stack)
    assert {"postgres", "predictor", "drift", "worker", "beat", "trigger"} <= set(
        up.stack["processes"]
    )


def test_each_service_logs_in_by_a_role_of_its_own(up: Up) -> None:
    wanted = {f"mycovigil_{name}" for name in ("predictor", "drift", "worker", "trigger")}

    def all_there() -> bool:
        with psycopg.connect(up.stack["database_url"]) as connection:
            rows = connection.execute("SELECT usename FROM pg_stat_activity").fetchall()
        return wanted <= {name for (name,) in rows}

    eventually(all_there, "a login of each service", timeout=START_TIMEOUT)


def test_it_answers_at_once(up: Up) -> None:
    """By the demo model, and with the mark of it: nobody trained anything."""
    with httpx.Client(timeout=20) as http:
        answered = http.post(
            f"{up.stack['predictor_url']}/v1/predictions",
            content=make_photo(640, 480),
            headers={
                "authorization": f"Bearer {up.stack['api_key']}",
                "content-type": "image/jpeg",
            },
        )
        answered.raise_for_status()
        pages = [http.get(up.stack[url]).text for url in ("predictor_url", "drift_url")]
    answer = answered.json()
    assert answer["model"]["demo"] is True
    assert answer["certificate"]["state"] == "not_certifiable"
    assert all("not for real ones" in page for page in pages)


def test_another_terminal_finds_the_stack(up: Up) -> None:
    environment: dict[str, str] = {}
    adopt_local_stack(up.data / "stack.json", environment)
    assert environment["MYCOVIGIL_DATABASE_URL"] == up.stack["database_url"]
    named = {"MYCOVIGIL_DATABASE_URL": "postgresql://elsewhere/db"}
    adopt_local_stack(up.data / "stack.json", named)
    assert named == {"MYCOVIGIL_DATABASE_URL": "postgresql://elsewhere/db"}


def test_a_killed_service_comes_back(up: Up) -> None:
    first = up.stack["processes"]["drift"]
    os.kill(first, signal.SIGKILL)
    with httpx.Client(base_url=up.stack["drift_url"], timeout=5) as http:

        def revived() -> bool | None:
            pid = json.loads((up.data / "stack.json").read_text())["processes"]["drift"]
            try:
                ready = http.get("/readyz").is_success
            except httpx.TransportError:
                return None
            return True if ready and pid != first else None

        assert eventually(revived, "revived drift API", timeout=120)


def test_a_second_stack_is_refused(up: Up) -> None:
    with pytest.raises(AlreadyRunning, match=str(up.process.pid)):
        claim(up.data / "stack.json")


def test_ctrl_c_leaves_no_process_behind(up: Up) -> None:
    stack = json.loads((up.data / "stack.json").read_text())
    family = psutil.Process(up.process.pid).children(recursive=True)
    servers = [psutil.Process(pid) for pid in stack["processes"].values()]
    up.process.send_signal(signal.SIGINT)
    output, _ = up.process.communicate(timeout=120)
    assert up.process.returncode == 0, output
    assert "everything is stopped" in output
    _, alive = psutil.wait_procs([*family, *servers], timeout=60)
    assert alive == []
    assert not (up.data / "stack.json").exists()
    announces_what_a_person_wants(output, stack, up.data / "stack.log")


def announces_what_a_person_wants(output: str, stack: dict[str, Any], log: Path) -> None:
    announced = output.split("Mycovigil is up.")[1].split("everything is stopped", maxsplit=1)[0]
    lines = [line for line in announced.splitlines() if line and "ended; it is started" not in line]
    assert len(lines) == 9
    wanted = [stack["predictor_url"], stack["predictor_url"], stack["drift_url"], stack["api_key"]]
    assert [value in line for line, value in zip(lines, wanted, strict=False)] == [True] * 4
    assert lines[4].split()[:2] == ["model", "demo-4,"]
    assert "mycovigil train" in lines[4]
    assert lines[7].split()[:2] == ["log", str(log)]
    assert "Ctrl-C" in lines[8]
    assert "Ready to accept connections" in log.read_text()
