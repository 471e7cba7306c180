"""Engines and sessions. Whoever opens a session owns its transaction; nobody else commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from mycovigil.postgres import login, timeouts
from mycovigil.postgres.timeouts import TimedConnection
from mycovigil.settings import DatabaseSettings

Sessions = sessionmaker[Session]
# More callers than connections wait for so long, and no longer than a statement may take.
POOL_SECONDS = 30.0
# A pooled connection is asked for a sign of life before it is used; a server that gives none for
# so long hangs, whatever its statements may take.
PING_SECONDS = 3.0


def psycopg_url(url: str) -> str:
    """A libpq URL as SQLAlchemy wants it, with the one driver we use (psycopg 3)."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def engine_of(settings: DatabaseSettings, *, seconds: float, pooled: bool = True) -> Engine:
    """An engine; lazy, so that nothing connects before the first use.

    A statement that takes longer than ``seconds`` is an OperationalError, even if the server is
    silent; so is a connection that cannot be made in time.

    Args:
        pooled: without a pool for short-lived processes (commands, migrations).
    """
    url = settings.url.get_secret_value()
    pool: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "max_overflow": 2,
        "pool_timeout": min(seconds, POOL_SECONDS),
    }
    engine = create_engine(
        psycopg_url(url),
        connect_args=timeouts.parameters(url, seconds),
        **(pool if pooled else {"poolclass": NullPool}),
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: list[Any], named: Any) -> TimedConnection:
        connection = TimedConnection.connect(*args, **named | login.parameters(settings))
        connection.answer_seconds = seconds
        return connection

    if pooled:
        event.listen(engine, "checkout", partial(_ping, engine.dialect, seconds))
    return engine


def _ping(
    dialect: Dialect,
    seconds: float,
    connection: Any,
    record: ConnectionPoolEntry,
    _proxy: object,
) -> None:
    """``pool_pre_ping`` with a time limit of its own; a new connection is not asked.

    Raises:
        InvalidatePoolError: the server is gone or silent; the pool makes a new connection.
    """
    if "used" not in record.info:
        record.info["used"] = True
        return
    connection.answer_seconds = min(seconds, PING_SECONDS)
    try:
        dialect.do_ping(connection)
    except psycopg.OperationalError as gone:
        raise InvalidatePoolError from gone
    connection.answer_seconds = seconds


def sessions_of(engine: Engine) -> Sessions:
    """A session factory that keeps loaded rows usable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def one_session(settings: DatabaseSettings, *, seconds: float | None = None) -> Iterator[Session]:
    """A session in a transaction of its own, for commands: committed at the end, or rolled back.

    Args:
        seconds: the longest a statement may take; as in a request if not given.
    """
    engine = engine_of(settings, seconds=seconds or settings.request_seconds, pooled=False)
    try:
        with sessions_of(engine).begin() as session:
            yield session
    finally:
        engine.dispose()
