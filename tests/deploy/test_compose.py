"""Compose and the embedded stack run the same commands, and each command is real."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from factories.outage import until
from factories.shortened import shortened

from mycovigil.settings import FOREIGN, variables
from mycovigil_local.port import free_port
from mycovigil_local.process import Child
from mycovigil_local.services import SERVICES

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}
LASTING = sorted(set(OURS) - {"migrate", "train"})
READY = {
    "predictor": "Application startup complete",
    "drift": "Application startup complete",
    "worker": r"celery@\S+ ready",
    "trainer": r"celery@\S+ ready",
    "beat": "beat: Starting",
    "trigger": "waiting for alerts",
}
OUTSIDE = {"PUBSUB_EMULATOR_HOST", "DO_NOT_TRACK"}


def substituted(value: str) -> str:
    """Compose's ``${NAME:-default}``."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


@pytest.fixture
def environment(
    tmp_path: Path, clean_database: str, redis_url: str, pubsub_emulator: str
) -> dict[str, str]:
    """Where the containers' names for servers and folders lead on this machine."""
    return {
        "MYCOVIGIL_DATABASE_URL": clean_database,
        "MYCOVIGIL_REDIS_URL": redis_url,
        "PUBSUB_EMULATOR_HOST": pubsub_emulator,
        "MYCOVIGIL_STORAGE_URL": str(tmp_path / "storage"),
        "MYCOVIGIL_TRAINING_DATASET": str(tmp_path / "dataset"),
        "MYCOVIGIL_TRAINING_RUNS": str(tmp_path / "runs"),
        "MYCOVIGIL_PREDICTOR_SPOOL_PATH": str(tmp_path / "spool.sqlite"),
        "MYCOVIGIL_DRIFT_HEARTBEAT": str(tmp_path / "heartbeat"),
        "MYCOVIGIL_PREDICTOR_HOST": "127.0.0.1",
        "MYCOVIGIL_DRIFT_HOST": "127.0.0.1",
        "MYCOVIGIL_PREDICTOR_PORT": str(free_port()),
        "MYCOVIGIL_DRIFT_PORT": str(free_port()),
    }


@pytest.fixture
def child(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[Child]:
    """A compose service's very command and environment as a process."""
    service = OURS[request.param]
    given = {name: substituted(value) for name, value in service["environment"].items()}
    assert set(given) <= set(environment) | {"MYCOVIGIL_PUBSUB_PROJECT", "MYCOVIGIL_ENCODER_URI"}
    command = list(service["command"])
    if command[0] == "celery":
        command = ["python", "-m", *command]
    command[0] = sys.executable
    merged = dict(os.environ) | given | {n: v for n, v in environment.items() if n in given}
    lines: list[str] = []
    started = Child(request.param, command, merged, lambda _, line: lines.append(line))
    started.ready = READY[request.param]
    started.start()
    yield started
    started.stop()


@pytest.mark.parametrize("child", shortened(LASTING, "drift"), indirect=True)
def test_a_service_starts_and_stops_by_sigterm(child: Child, environment: dict[str, str]) -> None:
    child.wait_ready(90)
    assert child.alive
    if "MYCOVIGIL_DRIFT_HEARTBEAT" in OURS[child.name]["environment"]:
        until(Path(environment["MYCOVIGIL_DRIFT_HEARTBEAT"]).exists)
    child.stop(grace=20)
    assert not child.alive


def test_the_embedded_stack_runs_what_compose_runs() -> None:
    for service in SERVICES:
        command = [word for word in OURS[service.name]["command"] if word not in {"python", "-m"}]
        entry = [word for word in service.arguments if not word.startswith("-")]
        assert command[: len(entry[:2])] == entry[:2] or command[:4] == list(service.arguments[:4])


def test_every_variable_is_a_setting() -> None:
    known = set(variables()) | OUTSIDE | FOREIGN
    for name, service in OURS.items():
        assert set(service["environment"]) <= known, name


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_image_has_a_small_non_root_dockerfile(name: str) -> None:
    text = (REPOSITORY / OURS[name]["build"]["dockerfile"]).read_text()
    assert text.count("FROM ") == 2
    assert "\nUSER mycovigil\n" in text
    assert "HEALTHCHECK" in text
    assert not OURS[name].get("healthcheck", {}).get("disable")
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (REPOSITORY / source).exists(), source
