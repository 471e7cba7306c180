"""Servers under test: the real predictor on a throwaway Postgres and Redis, and a plain peer."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from factories.bundle import make_bundle
from sqlalchemy.orm import Session

from mycovigil import access, migration, promotion, registry
from mycovigil.access import Scope
from mycovigil.db.session import engine_of
from mycovigil.encoder.identity import EncoderIdentity
from mycovigil.settings import DatabaseSettings, StorageSettings
from mycovigil.stack.child import Child
from mycovigil.stack.port import free_port
from mycovigil.stack.postgres import create_database, postgres
from mycovigil.stack.redis import redis_command
from mycovigil.storage import Storage


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    headers: dict[str, str]
    pid: int


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
        redis = redis_command(data / "redis", redis_port, throwaway=True)
        command = [sys.executable, "-m", "mycovigil_predictor"]
        with (
            _running("redis", redis, environment, "Server initialized"),
            _running("predictor", command, environment, None, port) as child,
        ):
            headers = {"authorization": f"Bearer {key}", "content-type": "image/jpeg"}
            url = f"http://127.0.0.1:{port}/v1/predictions"
            yield Server("mycovigil", url, headers, int(child.pid or 0))


@contextmanager
def plain(folder: Path) -> Iterator[Server]:
    """Plain FastAPI on the same graph, in ONNX Runtime's default threading."""
    port = free_port()
    environment = os.environ | {"PEER_ENCODER": str(folder), "PEER_PORT": str(port)}
    command = [sys.executable, str(Path(__file__).with_name("plain.py"))]
    with _running("plain", command, environment, None, port) as child:
        url = f"http://127.0.0.1:{port}/predict"
        yield Server("plain FastAPI", url, {"content-type": "image/jpeg"}, int(child.pid or 0))


@contextmanager
def _running(
    name: str, command: list[str], environment: dict[str, str], ready: str | None, port: int = 0
) -> Iterator[Child]:
    child = Child(name, command, environment, lambda _name, line: print(line), ready)
    child.start()
    try:
        child.wait_ready(60)
        if port:
            _wait_for(port)
        yield child
    finally:
        child.stop(40)


def _wait_for(port: int) -> None:
    over = time.monotonic() + 60
    while time.monotonic() < over:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")


def _arrange(database: DatabaseSettings, folder: Path, storage: Path) -> str:
    engine = engine_of(database, pooled=False)
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
