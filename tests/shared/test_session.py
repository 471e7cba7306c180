"""Connections as the settings want them."""

import datetime
import time

import psycopg
import pytest
from factories.mortal import MortalPostgres
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mycovigil.postgres import timeouts
from mycovigil.postgres.engine import engine_of
from mycovigil.postgres.timeouts import TimedConnection
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil_drift.session import Database
from mycovigil_worker.state import State


@pytest.mark.parametrize("pooled", [True, False])
def test_sessions_are_in_utc_and_keep_the_options_of_the_url(
    postgres_url: str, pooled: bool
) -> None:
    """A server's own time zone would shift days on pages and months of reference sets."""
    mark = "&" if "?" in postgres_url else "?"
    url = f"{postgres_url}{mark}options=-c%20work_mem%3D5MB"
    engine = engine_of(DatabaseSettings(url=url), seconds=60, pooled=pooled)
    with engine.connect() as connection:
        shown = [connection.scalar(text(f"SHOW {name}")) for name in ("timezone", "work_mem")]
    engine.dispose()
    assert shown == ["UTC", "5MB"]


def test_every_service_has_a_statement_limit(settings: Settings) -> None:
    """A server may hang with its kernel alive: nothing else would end the wait."""
    limits = {
        Database.of(settings.database, seconds=8).engine: 8,
        State.of(settings).engine: settings.database.job_seconds,
        State.of(settings, seconds=7).engine: 7,
    }
    for engine, seconds in limits.items():
        with engine.connect() as connection:
            given = connection.connection.driver_connection
            assert isinstance(given, TimedConnection)
            assert given.answer_seconds == seconds
            shown = connection.scalar(text("SELECT current_setting('statement_timeout')::interval"))
        engine.dispose()
        assert shown == datetime.timedelta(seconds=seconds)


@pytest.mark.whole
@pytest.mark.parametrize("pooled", [True, False])
def test_a_frozen_server_ends_no_service(mortal_postgres: MortalPostgres, pooled: bool) -> None:
    """A connection that is open and one that must be made both fail in time, and come back."""
    server = mortal_postgres
    engine = engine_of(DatabaseSettings(url=server.url), seconds=0.5, pooled=pooled)
    try:
        with engine.connect() as connection:
            server.freeze()
            started = time.monotonic()
            with pytest.raises(OperationalError):
                connection.execute(text("SELECT 1"))
        with pytest.raises(OperationalError), engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        with pytest.raises(psycopg.OperationalError):
            timeouts.connect(DatabaseSettings(url=server.url), seconds=0.5, name="test")
        assert time.monotonic() - started < 15
        server.thaw()
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    finally:
        server.thaw()
        engine.dispose()


def test_sessions_of_short_statements_are_in_utc_too(postgres_url: str) -> None:
    engine = engine_of(DatabaseSettings(url=postgres_url), seconds=5)
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
    engine.dispose()
