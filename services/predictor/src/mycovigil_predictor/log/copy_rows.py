"""Writes batches of rows to Postgres: a transaction each, idempotency keys first, then a COPY."""

import uuid
from collections.abc import Sequence
from typing import Any

from pgvector import HalfVector
from psycopg import sql
from psycopg.types.json import Jsonb

from mycovigil.vision.image.covariates import NAMES as COVARIATES
from mycovigil_predictor.connection import Connection
from mycovigil_predictor.log.partitions import partition_errors
from mycovigil_predictor.log.row import Row

# Columns and their types in Postgres.
TYPES: dict[str, str] = {
    "id": "uuid",
    "created_at": "timestamptz",
    "request_id": "text",
    "trace_id": "text",
    "client": "text",
    "key_prefix": "text",
    "group_key": "text",
    "app_version": "text",
    "model_id": "uuid",
    "encoder_id": "uuid",
    "features": "halfvec",
    "probabilities": "float4[]",
    "label": "text",
    "prediction_set": "text[]",
    "verdict": "text",
    "certificate": "text",
    "reasons": "jsonb",
    "distance": "float4",
    "photos": "int4",
    "image_sha256": "text",
    "image_key": "text",
    "photo_rows": "jsonb",
    "fingerprint": "bytea",
    "latency_ms": "float4",
} | {name: "int4" if name in {"width", "height"} else "float4" for name in COVARIATES}

COLUMNS = sql.SQL(", ").join(sql.Identifier(name) for name in TYPES)
COPY = sql.SQL("COPY predictions ({}) FROM STDIN (FORMAT BINARY)").format(COLUMNS)
STAGE = sql.SQL(
    "CREATE TEMP TABLE IF NOT EXISTS staged ON COMMIT DELETE ROWS AS "
    "SELECT {} FROM predictions WITH NO DATA"
).format(COLUMNS)
COPY_STAGED = sql.SQL("COPY staged ({}) FROM STDIN (FORMAT BINARY)").format(COLUMNS)
MERGE = sql.SQL(
    "INSERT INTO predictions ({columns}) SELECT {columns} FROM staged ON CONFLICT DO NOTHING"
).format(columns=COLUMNS)
# In a fixed order, so that two writers cannot deadlock.
CLAIM = """
INSERT INTO idempotency_keys (client, key, fingerprint, prediction_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::uuid[]) ORDER BY 1, 2
ON CONFLICT DO NOTHING RETURNING prediction_id
"""


async def insert(connection: Connection, rows: Sequence[Row]) -> set[uuid.UUID]:
    """Write new rows in one transaction; returns the ids written.

    A row whose idempotency key another prediction holds already is left out.

    Raises:
        PartitionMissing: nothing was written.
    """
    if not any(row.claim for row in rows):
        await _copy(connection, COPY, rows)  # one statement is a transaction by itself
        return {row.id for row in rows}
    async with connection.transaction():
        taken = await _claim(connection, rows)
        new = [row for row in rows if row.id not in taken]
        if new:
            await _copy(connection, COPY, new)
    return {row.id for row in new}


async def merge(connection: Connection, rows: Sequence[Row]) -> None:
    """Write rows of which some may be there already, each once by its id.

    Every row was answered, so it is written even if its idempotency key is taken.

    Raises:
        PartitionMissing: nothing was written.
    """
    async with connection.transaction():
        await _claim(connection, rows)
        await connection.execute(STAGE)
        await _copy(connection, COPY_STAGED, rows)
        with partition_errors():
            await connection.execute(MERGE)


async def _claim(connection: Connection, rows: Sequence[Row]) -> set[uuid.UUID]:
    """Claim the idempotency keys; returns the ids of rows whose key another prediction holds."""
    claims = [(row.claim, row.id) for row in rows if row.claim]
    if not claims:
        return set()
    cursor = await connection.execute(
        CLAIM,
        (
            [claim.client for claim, _ in claims],
            [claim.key for claim, _ in claims],
            [claim.fingerprint for claim, _ in claims],
            [identifier for _, identifier in claims],
        ),
    )
    won = {identifier for (identifier,) in await cursor.fetchall()}
    return {identifier for _, identifier in claims} - won


async def _copy(connection: Connection, statement: sql.Composed, rows: Sequence[Row]) -> None:
    with partition_errors():
        async with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(TYPES.values()))
            for row in rows:
                await copy.write_row(_values(row))


def _values(row: Row) -> list[Any]:
    special = {
        "features": HalfVector(row.features),
        "reasons": Jsonb(row.reasons),
        "photo_rows": None if row.photo_rows is None else Jsonb(row.photo_rows),
    }
    return [
        special[name]
        if name in special
        else row.covariates[name]
        if name in row.covariates
        else getattr(row, name)
        for name in TYPES
    ]
