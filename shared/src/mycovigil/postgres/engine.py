"""Engines and sessions. Whoever opens a session owns its transaction; nobody else commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from mycovigil.postgres import timeouts
from mycovigil.postgres.timeouts import Impatient
from mycovigil.settings import DatabaseSettings

Sessions = sessionmaker[Session]


def psycopg_url(url: str) -> str:
    """A libpq URL as SQLAlchemy wants it, with the one driver we use (psycopg 3)."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def engine_of(settings: DatabaseSettings, *, pooled: bool = True) -> Engine:
    """An engine; lazy, so that nothing connects before the first use.

    Args:
        pooled: without a pool for short-lived processes (the command, migrations).
    """
    url = psycopg_url(settings.url.get_secret_value())
    given = make_url(url).query.get("options", "")
    utc = {"options": f"{given} {timeouts.UTC}".strip()}
    if not pooled:
        return create_engine(url, poolclass=NullPool, connect_args=utc)
    return create_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=2,
        pool_pre_ping=True,
        connect_args=utc,
    )


def short_engine_of(settings: DatabaseSettings, *, seconds: float) -> Engine:
    """As :func:`engine_of`, for short statements that somebody waits for: a connection, or an
    answer, that takes longer than ``seconds`` is an OperationalError."""
    engine = create_engine(
        psycopg_url(settings.url.get_secret_value()),
        pool_size=settings.pool_size,
        max_overflow=2,
        pool_pre_ping=True,
        pool_timeout=seconds,
        connect_args=timeouts.parameters(seconds),
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, values: list[Any], named: dict[str, Any]) -> Impatient:
        connection = Impatient.connect(*values, **named)
        connection.patience = seconds
        return connection

    return engine


def sessions_of(engine: Engine) -> Sessions:
    """A session factory that keeps loaded rows usable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def one_session(settings: DatabaseSettings) -> Iterator[Session]:
    """A session in a transaction of its own, for commands: committed at the end, or rolled back."""
    engine = engine_of(settings, pooled=False)
    try:
        with sessions_of(engine).begin() as session:
            yield session
    finally:
        engine.dispose()
