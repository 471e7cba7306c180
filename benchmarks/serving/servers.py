"""Servers under test: the real predictor on a durable Postgres, and peers of the field."""

import base64
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from factories.bundle import make_bundle
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import Scope
from mycovigil.models import promotion, registry
from mycovigil.postgres import migration
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings, StorageSettings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_local.port import free_port
from mycovigil_local.postgres import create_database, postgres
from mycovigil_local.process import Child
from mycovigil_local.valkey import READY, valkey_command
from serving.load import Body, family

HERE = Path(__file__).parent
READY_SECONDS = 180
BOUNDARY = "mycovigil-benchmark"


@dataclass(frozen=True)
class Server:
    """``stores``: processes of its database (``database``, as a URL) and Redis."""

    name: str
    url: str
    body: Body
    pid: int
    headers: dict[str, str] = field(default_factory=dict)
    stores: list[int] = field(default_factory=list)
    database: str = ""

    def pause(self) -> None:
        """Stop its processes, so that no idle polling disturbs the server under test."""
        _signal(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        _signal(self.pid, signal.SIGCONT)


@dataclass(frozen=True)
class Peer:
    """A server of the field: ``script`` below ``peers``, ``model`` as in ``peers/model.py``."""

    name: str
    script: str
    model: str
    threads: int = 0
    workers: int = 1

    def command(self, python: Path, port: int) -> list[str]:
        if self.script == "bento":
            serve = [str(python.with_name("bentoml")), "serve", "serving.peers.bento:Encoder"]
            return [*serve, "--host", "127.0.0.1", "--port", str(port), "-q"]
        return [str(python), str(HERE / "peers" / f"{self.script}.py")]

    @property
    def body(self) -> Body:
        return {"plain": form("file"), "lit": base64_json, "bento": form("images")}[self.script]


CORES = os.cpu_count() or 1
PEERS = (
    Peer("FastAPI, torch", "plain", "torch"),
    Peer("LitServe, torch", "lit", "torch"),
    Peer("BentoML, torch", "bento", "torch"),
    Peer("FastAPI, our engine", "plain", "engine", threads=CORES),
    Peer("LitServe, our engine", "lit", "engine", threads=CORES),
    Peer("LitServe, our engine, a worker a core", "lit", "engine", threads=1, workers=CORES),
    Peer("BentoML, our engine", "bento", "engine", threads=CORES),
)


def form(name: str) -> Body:
    """A multipart form with the photo in the field ``name``."""

    def body(photo: bytes) -> tuple[str, bytes]:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        end = f"\r\n--{BOUNDARY}--\r\n"
        return f"multipart/form-data; boundary={BOUNDARY}", head.encode() + photo + end.encode()

    return body


def base64_json(photo: bytes) -> tuple[str, bytes]:
    """The photo in base64 in a JSON document."""
    text = base64.b64encode(photo).decode()
    return "application/json", json.dumps({"image": text}).encode()


@contextmanager
def ours(folder: Path, data: Path) -> Iterator[Server]:
    """``python -m mycovigil_predictor``: keys, rate limits and the log included; Postgres syncs."""
    with postgres(data / "postgres") as server_url:
        database = DatabaseSettings(url=create_database(server_url, "benchmark"))
        migration.upgrade(database)
        key = _arrange(database, folder, data / "storage")
        redis_port, port = free_port(), free_port()
        environment = os.environ | {
            "MYCOVIGIL_DATABASE_URL": database.url.get_secret_value(),
            "MYCOVIGIL_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "MYCOVIGIL_STORAGE_URL": str(data / "storage"),
            "MYCOVIGIL_PREDICTOR_PORT": str(port),
            "MYCOVIGIL_PREDICTOR_SPOOL_PATH": str(data / "spool.sqlite"),
            "MYCOVIGIL_PREDICTOR_KEY_RATE": "10000000/minute",
            "MYCOVIGIL_LOG_LEVEL": "warning",
        }
        redis = valkey_command(data / "redis", redis_port, throwaway=True)
        command = [sys.executable, "-m", "mycovigil_predictor"]
        postmaster = int(next(data.rglob("postmaster.pid")).read_text().splitlines()[0])
        with (
            _running("redis", redis, environment, READY) as cache,
            _running("predictor", command, environment, None, port) as child,
        ):
            yield Server(
                "Mycovigil",
                f"http://127.0.0.1:{port}/v1/predictions",
                form("file"),
                int(child.pid or 0),
                {"Authorization": f"Bearer {key}"},
                [postmaster, int(cache.pid or 0)],
                database.url.get_secret_value(),
            )


@contextmanager
def peer(one: Peer, folder: Path, python: Path, home: Path) -> Iterator[Server]:
    """A peer in the virtual environment of ``python``; ``home`` takes what it writes."""
    port = free_port()
    environment = os.environ | {
        "PEER_MODEL": one.model,
        "PEER_ENCODER": str(folder),
        "PEER_THREADS": str(one.threads),
        "PEER_WORKERS": str(one.workers),
        "PEER_PORT": str(port),
        "PYTHONPATH": str(HERE.parent),
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "1",
    }
    with _running(one.name, one.command(python, port), environment, None, port) as child:
        url = f"http://127.0.0.1:{port}/predict"
        yield Server(one.name, url, one.body, int(child.pid or 0))


@contextmanager
def _running(
    name: str, command: list[str], environment: dict[str, str], ready: str | None, port: int = 0
) -> Iterator[Child]:
    child = Child(name, command, environment, lambda _name, line: print(line), ready)
    child.start()
    try:
        child.wait_ready(60)
        if port:
            _wait_for(child, port)
        yield child
    finally:
        if child.alive:
            _signal(int(child.pid or 0), signal.SIGCONT)
        child.stop(40)


def _wait_for(child: Child, port: int) -> None:
    over = time.monotonic() + READY_SECONDS
    while time.monotonic() < over and child.alive:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{child.name} does not listen on port {port}")


def _signal(pid: int, number: signal.Signals) -> None:
    for process in family(pid):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _arrange(database: DatabaseSettings, folder: Path, storage: Path) -> str:
    engine = engine_of(database, seconds=60, pooled=False)
    with Session(engine) as session, session.begin():
        encoder_id = registry.register_encoder(session, EncoderIdentity.read(folder), folder)
        model = registry.register_model(
            session,
            Storage(StorageSettings(url=str(storage))),
            make_bundle(folder, anchors=1_000),
            encoder_id=encoder_id,
            parent_id=None,
        )
        promotion.promote(session, model.id, decided_by="benchmark")
        return access.create(session, "benchmark", [Scope.PREDICT])
