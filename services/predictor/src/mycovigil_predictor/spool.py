"""A durable local queue of rows for the time that Postgres is away (SQLite)."""

import sqlite3
import threading
import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from mycovigil_predictor.row import Claim, Row

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    id TEXT PRIMARY KEY, client TEXT, key TEXT, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS rows_key ON rows (client, key) WHERE key IS NOT NULL;
"""


class SpoolFull(RuntimeError):
    """The spool holds as many rows as it may."""


class Spool:
    """Synchronous and thread-safe; each call is one transaction, on disk when it returns."""

    def __init__(self, path: Path, *, most_rows: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(SCHEMA)
        self.depth = self._count()

    @property
    def full(self) -> bool:
        return self.depth >= self._most_rows

    def put(self, rows: Sequence[Row]) -> None:
        """Keep rows; one that is kept already stays as it is.

        Raises:
            SpoolFull: nothing of the batch was kept.
        """
        values = [
            (
                str(row.id),
                row.claim.client if row.claim else None,
                row.claim.key if row.claim else None,
                row.to_json(),
            )
            for row in rows
        ]
        with self._lock:
            if self.depth + len(rows) > self._most_rows:
                raise SpoolFull(f"{self.depth} of {self._most_rows} rows are spooled")
            with self._database:
                done = self._database.executemany(
                    "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", values
                )
            self.depth += done.rowcount

    def oldest(self, most: int) -> list[Row]:
        """The first rows by id, that is by time."""
        return [Row.from_json(body) for (body,) in self._read("ORDER BY id LIMIT ?", most)]

    def get(self, identifier: uuid.UUID) -> Row | None:
        """The row with this id, if it still waits here."""
        found = self._read("WHERE id = ?", str(identifier))
        return Row.from_json(found[0][0]) if found else None

    def claimed(self, client: str, key: str) -> tuple[Row, Claim] | None:
        """The row that fulfils an idempotency key, if it still waits here."""
        found = self._read("WHERE client = ? AND key = ?", client, key)
        row = Row.from_json(found[0][0]) if found else None
        return (row, row.claim) if row and row.claim else None

    def remove(self, identifiers: Iterable[uuid.UUID]) -> None:
        """Forget rows that are safe in Postgres."""
        with self._lock:
            with self._database:
                done = self._database.executemany(
                    "DELETE FROM rows WHERE id = ?", [(str(one),) for one in identifiers]
                )
            self.depth -= done.rowcount

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _read(self, condition: str, *values: str | int) -> list[tuple[bytes]]:
        statement = f"SELECT body FROM rows {condition}"  # noqa: S608 - ours, never a client's
        with self._lock, closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def _count(self) -> int:
        with closing(self._database.execute("SELECT count(*) FROM rows")) as cursor:
            return int(cursor.fetchone()[0])
