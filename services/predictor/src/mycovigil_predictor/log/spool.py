"""A durable local queue, in SQLite, of rows that Postgres cannot take now."""

import datetime
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import structlog

from mycovigil.db.base import first_id_at, instant_of
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool_lock import lock

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    id TEXT PRIMARY KEY, client TEXT, key TEXT, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS rows_key ON rows (client, key) WHERE key IS NOT NULL;
CREATE TABLE IF NOT EXISTS probe (filling TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS aside (
    id TEXT PRIMARY KEY, client TEXT, key TEXT, body BLOB NOT NULL, why TEXT NOT NULL
);
"""
# About as much as a few rows take.
PROBE_BYTES = 16_384
OLDEST = "SELECT id, body FROM rows WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
BODIES = "SELECT body FROM rows {0} UNION ALL SELECT body FROM aside {0}"
ASIDE = "INSERT OR IGNORE INTO aside SELECT id, client, key, body, ?2 FROM rows WHERE id = ?1"
# Errors of Row.from_json for a row that another version of this program has written.
UNREADABLE = (ValueError, KeyError, TypeError)
logger = structlog.get_logger(__name__)


class SpoolFull(RuntimeError):
    """The spool takes no more rows: it holds as many as it may, or the disk takes none."""


class Spool:
    """Synchronous and thread-safe; each call is one transaction, on disk when it returns. The file
    belongs to one process at a time.

    Rows that Postgres refuses for good, or that cannot be read, are set aside, in a table that is
    never drained: they hold up no other, and can still be looked up where they can be read. Only
    the file's owner may read it.
    """

    def __init__(self, path: Path, *, most_rows: int) -> None:
        """Open it.

        Raises:
            SpoolInUse: another process has it open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file_lock = lock(path)
        self._most_rows = most_rows
        self._lock = threading.Lock()
        path.touch(mode=0o600)
        path.chmod(0o600)  # SQLite gives its other files the same mode
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self.depth = self._count("rows")
        self.aside = self._count("aside")
        self.trouble: str | None = None

    @property
    def full(self) -> bool:
        """Whether no row can be taken now."""
        return self.depth >= self._most_rows or self.trouble is not None

    @property
    def holds(self) -> bool:
        """Whether there is any row here, waiting or set aside."""
        return self.depth + self.aside > 0

    def put(self, rows: Sequence[Row]) -> int:
        """Store the first rows, as many as there is room for; returns how many. A row that is
        here already stays as it is.

        Raises:
            SpoolFull: no row of the batch was stored.
        """
        with self._lock:
            room = max(0, self._most_rows - self.depth)
            if rows and not room:
                raise SpoolFull(f"{self.depth} of {self._most_rows} rows are spooled")
            values = [_values(row) for row in rows[:room]]
            self.depth += self._write("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", values)
            return len(values)

    def probe(self) -> None:
        """Find out whether the disk takes rows again.

        Raises:
            SpoolFull: it does not.
        """
        with self._lock:
            filling = [("x" * PROBE_BYTES,)]
            self._write("REPLACE INTO probe VALUES (?)", filling)
            self._write("DELETE FROM probe WHERE filling = ?", filling)

    def set_aside(self, identifier: uuid.UUID | str, why: str) -> None:
        """Move a row to the table of those that Postgres refuses, or that cannot be read."""
        with self._lock:
            with self._database:
                self._database.execute(ASIDE, (str(identifier), why))
                self._database.execute("DELETE FROM rows WHERE id = ?", (str(identifier),))
            self.depth, self.aside = self._count("rows"), self._count("aside")

    def days(self) -> list[datetime.date]:
        """UTC days that have rows waiting, in order."""
        found: list[datetime.date] = []
        after = ""
        while first := self._read("SELECT min(id) FROM rows WHERE id >= ?", after)[0][0]:
            found.append(instant_of(uuid.UUID(first)).date())
            after = _id_range(found[-1])[1]
        return found

    def oldest(self, most: int, day: datetime.date | None = None) -> list[Row]:
        """The first rows by id, that is by time, of all days or one; unreadable ones are set
        aside."""
        first, end = _id_range(day) if day else ("", "~")
        while found := self._read(OLDEST, first, end, most):
            rows = [row for identifier, body in found if (row := self._parse(identifier, body))]
            if rows:
                return rows
        return []

    def get(self, identifier: uuid.UUID) -> Row | None:
        """The row with this id, if it still waits here or was set aside."""
        return _first(self._read(BODIES.format("WHERE id = ?1"), str(identifier)))

    def claimed(self, client: str, key: str) -> tuple[Row, Claim] | None:
        """The row that holds an idempotency key, if it is here."""
        row = _first(self._read(BODIES.format("WHERE client = ?1 AND key = ?2"), client, key))
        return (row, row.claim) if row and row.claim else None

    def remove(self, identifiers: Iterable[uuid.UUID]) -> None:
        """Delete rows that are committed in Postgres."""
        with self._lock:
            with self._database:
                done = self._database.executemany(
                    "DELETE FROM rows WHERE id = ?", [(str(one),) for one in identifiers]
                )
            self.depth -= done.rowcount

    def close(self) -> None:
        with self._lock:
            self._database.close()
            os.close(self._file_lock)

    def _write(self, statement: str, values: Sequence[tuple[str | bytes | None, ...]]) -> int:
        """Number of rows changed; ``trouble`` is the disk's error until it takes a row again."""
        try:
            with self._database:
                done = self._database.executemany(statement, values)
        except sqlite3.Error as error:
            self.trouble = str(error)
            raise SpoolFull(f"the spool cannot be written: {error}") from error
        self.trouble = None
        return max(0, done.rowcount)

    def _parse(self, identifier: str, body: bytes) -> Row | None:
        try:
            return Row.from_json(body)
        except UNREADABLE as error:
            logger.exception("a spooled row cannot be read and is set aside", id=identifier)
            self.set_aside(identifier, f"unreadable: {error!r}")
            return None

    def _read(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._lock, closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def _count(self, table: Literal["rows", "aside"]) -> int:
        statement = f"SELECT count(*) FROM {table}"  # noqa: S608 - one of two names
        with closing(self._database.execute(statement)) as cursor:
            return int(cursor.fetchone()[0])


def _id_range(day: datetime.date) -> tuple[str, str]:
    """The first id that a row of ``day`` can have, and the first of the following day."""
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
    following = midnight + datetime.timedelta(days=1)
    return str(first_id_at(midnight)), str(first_id_at(following))


def _first(found: list[tuple[Any, ...]]) -> Row | None:
    try:
        return Row.from_json(found[0][0]) if found else None
    except UNREADABLE:
        return None


def _values(row: Row) -> tuple[str, str | None, str | None, bytes]:
    claim = row.claim
    return (
        str(row.id),
        claim.client if claim else None,
        claim.key if claim else None,
        row.to_json(),
    )
