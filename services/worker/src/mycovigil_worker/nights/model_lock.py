"""One worker at a time judges a model's nights: a session-level advisory lock.

The lock has a connection of its own without a transaction, so it may be held for as long as a night
takes. It ends with the connection: a crashed worker gives it back at once, a host that vanished
after :data:`KEEPALIVE`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

KEY = "hashtextextended('drift of ' || :model, 0)"
# The server's defaults would find a vanished host after two hours.
KEEPALIVE = (
    "SELECT set_config('tcp_keepalives_idle', '30', false), "
    "set_config('tcp_keepalives_interval', '10', false), "
    "set_config('tcp_keepalives_count', '3', false)"
)


@contextmanager
def model_lock(engine: Engine, model_id: uuid.UUID) -> Iterator[bool]:
    """Hold the model's lock while the block runs; yields false if another worker has it."""
    key = {"model": str(model_id)}
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # closed at the end, never given to somebody else with the lock
        connection.execute(text(KEEPALIVE))
        held = bool(connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})"), key))
        try:
            yield held
        finally:
            if held:
                _release(connection, key)


def _release(connection: Connection, key: dict[str, str]) -> None:
    """By hand, because a closed connection's locks go a moment after it."""
    with suppress(SQLAlchemyError):  # the connection is gone, and the lock with it
        connection.execute(text(f"SELECT pg_advisory_unlock({KEY})"), key)
