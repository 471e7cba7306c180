"""Run the migrations: Alembic with our settings instead of an ini file."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from mycovigil.postgres import partitions
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings

REPOSITORY = Path(__file__).resolve().parents[4]
LOCK = "mycovigil migrations"


def folder() -> Path:
    """``migrations/``: beside the working directory (an image), or in this checkout.

    Raises:
        FileNotFoundError: neither is there.
    """
    for place in (Path.cwd() / "migrations", REPOSITORY / "migrations"):
        if (place / "env.py").is_file():
            return place
    raise FileNotFoundError("no migrations/ folder: run from a checkout or an image of Mycovigil")


def upgrade(settings: DatabaseSettings, *, since: datetime.date | None = None) -> None:
    """Bring the schema to the newest revision and make the partitions of the coming days.

    Safe to run twice, and at the same time as another upgrade, which it waits for.

    Args:
        since: make the partitions of past days, too, from this one on.
    """
    with _locked(settings) as connection:
        command.upgrade(_configuration(connection), "head")
        with Session(connection) as session, session.begin():
            today = datetime.datetime.now(tz=datetime.UTC).date()
            days = partitions.upcoming(today, settings.partitions_ahead, since=since)
            partitions.ensure(session, days)


def downgrade(settings: DatabaseSettings, revision: str = "base") -> None:
    """Go back to an earlier revision."""
    with _locked(settings) as connection:
        command.downgrade(_configuration(connection), revision)


def check(settings: DatabaseSettings) -> None:
    """Raise if the tables in code and the migrations differ."""
    with _locked(settings) as connection:
        command.check(_configuration(connection))


@contextmanager
def _locked(settings: DatabaseSettings) -> Iterator[Connection]:
    """A connection that holds the lock of all migrations until it is closed: a lock of one
    transaction would end with the first revision."""
    engine = engine_of(settings, seconds=settings.job_seconds, pooled=False)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": LOCK})
            connection.commit()
            yield connection
    finally:
        engine.dispose()


def _configuration(connection: Connection) -> Config:
    """Alembic's configuration; ``migrations/env.py`` takes the connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder()))
    config.set_main_option("path_separator", "os")
    config.set_main_option(
        "file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
    )
    return config
