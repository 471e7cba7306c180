"""A stack: start its servers and services in order, restart what dies, stop all."""

import importlib.util
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from mycovigil import stack_file
from mycovigil.access import Scope, create, prefix_of, revoke
from mycovigil.models.demo import registration
from mycovigil.postgres import migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import DatabaseSettings, StorageSettings
from mycovigil_local import roles
from mycovigil_local.port import free_port
from mycovigil_local.postgres import EmbeddedPostgres
from mycovigil_local.process import Child, LineSink
from mycovigil_local.servers import START_TIMEOUT, brokers, database_server
from mycovigil_local.services import SERVICES

# Seconds before a process that died is started again; the last one repeats.
RESTART_PAUSES = (0.5, 2.0, 5.0, 15.0)


@dataclass
class Stack:
    """A running stack.

    ``environment``: of every child; ``pubsub``: the emulator's host and port, or the backend's
    name; ``database``: none where the environment names another server.
    """

    data: Path
    environment: dict[str, str]
    predictor_url: str
    drift_url: str
    api_key: str
    pubsub: str
    children: list[Child] = field(default_factory=list)
    database: EmbeddedPostgres | None = None

    @property
    def file(self) -> Path:
        return self.data / "stack.json"

    def describe(self) -> dict[str, Any]:
        """The content of ``stack.json``."""
        return {
            "predictor_url": self.predictor_url,
            "drift_url": self.drift_url,
            "api_key": self.api_key,
            "database_url": self.environment["MYCOVIGIL_DATABASE_URL"],
            "redis_url": self.environment["MYCOVIGIL_REDIS_URL"],
            "pubsub": self.pubsub,
            "pid": os.getpid(),
            "environment": {
                name: value
                for name, value in self.environment.items()
                if name.startswith("MYCOVIGIL_") or name == "PUBSUB_EMULATOR_HOST"
            },
            "processes": {child.name: child.pid for child in self.children} | self._postgres(),
        }

    def _postgres(self) -> dict[str, int | None]:
        """The embedded server's pid, from the first line of its own file."""
        file = self.data / "postgres" / "postmaster.pid"
        return {"postgres": int(file.read_text().split()[0])} if file.exists() else {}

    def write(self) -> None:
        stack_file.write(self.file, self.describe())

    def watch(self, *, interval: float = 0.5) -> None:
        """Restart what dies until KeyboardInterrupt or SystemExit; ``interval`` in seconds."""
        deaths: dict[str, int] = {}
        due: dict[str, float] = {}
        while True:
            time.sleep(interval)
            if self.database is not None:
                self._revive(self.database, deaths, due)
            for child in self.children:
                self._revive(child, deaths, due)

    def _revive(
        self, child: Child | EmbeddedPostgres, deaths: dict[str, int], due: dict[str, float]
    ) -> None:
        if child.alive:
            return
        if child.name not in due:
            count = deaths[child.name] = deaths.get(child.name, -1) + 1
            pause = RESTART_PAUSES[min(count, len(RESTART_PAUSES) - 1)]
            due[child.name] = time.monotonic() + pause
            child.sink("stack", f"{child.name} ended; it is started again in {pause} s")
        elif time.monotonic() >= due[child.name]:
            del due[child.name]
            child.start()
            self.write()


def end_as_ctrl_c_does() -> None:
    """Let SIGTERM, and the closing of the terminal, take the stack down before the command ends.

    Under ``nohup`` the terminal may close.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)


@contextmanager
def running(
    data: Path,
    sink: LineSink,
    *,
    ports: tuple[int, int] = (0, 0),
    overrides: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start the stack in ``data`` and stop it at the end, whatever happens.

    A server named in the environment (``MYCOVIGIL_DATABASE_URL``, ``MYCOVIGIL_REDIS_URL``,
    ``PUBSUB_EMULATOR_HOST``) is used instead of an embedded one.

    Args:
        ports: of the predictor and the drift API; 0 takes a free one.
        overrides: environment variables of the children, over everything else.

    Raises:
        ChildFailed: a process did not become ready.
        AlreadyRunning: another stack owns the folder.
    """
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ) | _defaults(data)
    with ExitStack() as exits:
        exits.enter_context(stack_file.locked(data))
        stack_file.claim(data / "stack.json")
        embedded_database = database_server(data, environment, sink, exits)
        servers = brokers(data, environment, sink, exits)
        environment |= {
            "MYCOVIGIL_PREDICTOR_PORT": str(free_port(ports[0])),
            "MYCOVIGIL_DRIFT_PORT": str(free_port(ports[1])),
        }
        environment |= dict(overrides or {})
        database = DatabaseSettings(url=environment["MYCOVIGIL_DATABASE_URL"])
        migration.upgrade(database)
        _register_demo_model(database, environment, sink)
        stack = Stack(
            data,
            environment,
            f"http://127.0.0.1:{environment['MYCOVIGIL_PREDICTOR_PORT']}",
            f"http://127.0.0.1:{environment['MYCOVIGIL_DRIFT_PORT']}",
            exits.enter_context(_api_key(database)),
            environment.get("PUBSUB_EMULATOR_HOST")
            or environment.get("MYCOVIGIL_PUBSUB_BACKEND", "google"),
            servers,
            embedded_database,
        )
        own = embedded_database is not None  # a server of somebody else keeps the roles it has
        _services(stack, sink, exits, roles.addresses(database) if own else {})
        stack.write()
        exits.callback(stack.file.unlink, missing_ok=True)
        yield stack


def _register_demo_model(
    database: DatabaseSettings, environment: Mapping[str, str], sink: LineSink
) -> None:
    """On an empty database, as ``mycovigil migrate`` does."""
    wanted: bool = TypeAdapter(bool).validate_python(environment.get("MYCOVIGIL_DEMO_MODEL", True))
    if not wanted:
        return
    storage = StorageSettings(url=environment["MYCOVIGIL_STORAGE_URL"])
    version = registration.ensure(database, storage)
    if version is not None:
        sink("stack", registration.announcement(version))


def _defaults(data: Path) -> dict[str, str]:
    chosen = {
        "MYCOVIGIL_STORAGE_URL": str(data / "storage"),
        "MYCOVIGIL_STORAGE_KEEP_PHOTOS": "true",
        "MYCOVIGIL_PREDICTOR_SPOOL_PATH": str(data / "spool.sqlite"),
        "MYCOVIGIL_PREDICTOR_PUBLIC_PAGE": "true",
        "MYCOVIGIL_DRIFT_PUBLIC_DASHBOARD": "true",
        "MYCOVIGIL_TRAINING_DATASET": str(data / "dataset"),
        "MYCOVIGIL_LOG_FORMAT": "console",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return {name: value for name, value in chosen.items() if name not in os.environ}


def _login(service: str, addresses: Mapping[str, str]) -> dict[str, str]:
    return {"MYCOVIGIL_DATABASE_URL": addresses[service]} if service in addresses else {}


def _services(stack: Stack, sink: LineSink, exits: ExitStack, addresses: Mapping[str, str]) -> None:
    for service in SERVICES:
        if importlib.util.find_spec(service.module) is None:
            sink("stack", f"{service.name} is not installed and stays out")
            continue
        environment = stack.environment | _login(service.name, addresses)
        child = Child(service.name, service.command(), environment, sink, service.ready)
        exits.callback(child.stop)
        child.start()
        stack.children.append(child)
    for child in stack.children:
        child.wait_ready(START_TIMEOUT)


@contextmanager
def _api_key(database: DatabaseSettings) -> Iterator[str]:
    """A key with every scope, for as long as the stack runs."""
    with one_session(database) as session:
        key = create(session, "local stack", list(Scope))
    try:
        yield key
    finally:
        with suppress(SQLAlchemyError), one_session(database) as session:
            revoke(session, prefix_of(key))
