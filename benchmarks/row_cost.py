"""What one row of the prediction log costs Postgres: bytes on disk and of WAL, and COPY's speed.

    python benchmarks/row_cost.py [--rows 20000] [--dimension 512]

A real Postgres, rows by the same binary COPY as the predictor's, in batches of 1, 8 and 500 with a
commit each. Without fsync, so the speeds are those of the processor and not of a disk.
"""

import argparse
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import night_million
from factories.night import FIRST, make_served

from mycovigil.postgres import migration, partitions
from mycovigil.settings import DatabaseSettings, Settings, StorageSettings
from mycovigil_local.postgres import create_database, postgres
from mycovigil_worker.state import State

BATCHES = (1, 8, 500)
SIZES = (
    "SELECT pg_relation_size(c.oid), pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c "
    "JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'predictions'::regclass "
    "ORDER BY 2 DESC LIMIT 1"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=512)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder) / "pg", throwaway=True) as server,
    ):
        url = create_database(server, "rows")
        settings = Settings(
            database=DatabaseSettings(url=url), storage=StorageSettings(url=f"{folder}/storage")
        )
        migration.upgrade(settings.database)
        state = State.of(settings)
        with state.sessions.begin() as session:
            served = make_served(session, rows=200, dimension=options.dimension)
            partitions.ensure(session, [FIRST.date()])
        state.engine.dispose()
        rows = night_million._rows(served, 0, options.rows, options.dimension)
        with psycopg.connect(url, autocommit=True) as connection:
            _measure(connection, rows, options.rows)


def _measure(connection: psycopg.Connection[Any], rows: Any, number: int) -> None:
    table = Table("rows a commit", "rows/s", "WAL bytes a row")
    share = number // len(BATCHES)
    for size in BATCHES:
        some = list(islice(rows, share))
        wal, start = _wal(connection), time.perf_counter()
        for begin in range(0, len(some), size):
            _copy(connection, some[begin : begin + size])
        seconds = time.perf_counter() - start
        written = (_wal(connection) - wal) / len(some)
        table.add_row(str(size), f"{len(some) / seconds:,.0f}", f"{written:,.0f}")
    Console().print(table)
    heap, whole, indexes = connection.execute(SIZES).fetchone() or (0, 0, 0)
    stored = share * len(BATCHES)
    Console().print(
        f"{whole / stored:,.0f} bytes a row in the table ({heap / stored:,.0f} of it in line), "
        f"{indexes / stored:,.0f} in its indexes"
    )


def _copy(connection: psycopg.Connection[Any], batch: Any) -> None:
    columns = night_million.COLUMNS
    order = f"COPY predictions ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(order) as copy:
        copy.set_types(list(columns.values()))
        for row in batch:
            copy.write_row(row)


def _wal(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
