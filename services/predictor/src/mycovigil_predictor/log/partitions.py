"""Days that have a partition of ``predictions``; the worker and ``migrate`` make partitions."""

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from psycopg.errors import CheckViolation

from mycovigil.postgres import partitions
from mycovigil_predictor.connection import Connection


class PartitionMissing(RuntimeError):
    """The day of a row has no partition; no row of the batch was written."""


async def days_with_partition(
    connection: Connection, days: Iterable[datetime.date]
) -> set[datetime.date]:
    """Those of ``days`` whose rows Postgres takes, whoever made the partition."""
    cursor = await connection.execute(partitions.STRETCHES.encode())
    stretches = [(first, last) for first, last in await cursor.fetchall()]
    return partitions.held(days, stretches, by_default=True)


@contextmanager
def partition_errors() -> Iterator[None]:
    """Raise PartitionMissing where Postgres says so: its SQLSTATE is that of a violated check
    constraint, but only the latter has a name."""
    try:
        yield
    except CheckViolation as error:
        if error.diag.constraint_name is None:
            raise PartitionMissing(str(error)) from error
        raise
