"""Run the migrations: Alembic with our settings instead of an ini file."""

import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from mycovigil.postgres import partitions
from mycovigil.postgres.engine import engine_of, psycopg_url
from mycovigil.settings import DatabaseSettings

REPOSITORY = Path(__file__).resolve().parents[4]


def folder() -> Path:
    """``migrations/``: beside the working directory (an image), or in this checkout.

    Raises:
        FileNotFoundError: neither is there.
    """
    for place in (Path.cwd() / "migrations", REPOSITORY / "migrations"):
        if (place / "env.py").is_file():
            return place
    raise FileNotFoundError("no migrations/ folder: run from a checkout or an image of Mycovigil")


def configuration(settings: DatabaseSettings) -> Config:
    """Alembic's configuration; ``%`` is doubled because configparser interpolates."""
    config = Config()
    config.set_main_option("script_location", str(folder()))
    config.set_main_option("path_separator", "os")
    config.set_main_option(
        "file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
    )
    url = psycopg_url(settings.url.get_secret_value()).replace("%", "%%")
    config.set_main_option("sqlalchemy.url", url)
    return config


def upgrade(settings: DatabaseSettings) -> None:
    """Bring the schema to the newest revision and make the partitions of the coming days."""
    command.upgrade(configuration(settings), "head")
    engine = engine_of(settings, seconds=settings.job_seconds, pooled=False)
    with Session(engine) as session, session.begin():
        today = datetime.datetime.now(tz=datetime.UTC).date()
        partitions.ensure(session, partitions.upcoming(today, settings.partitions_ahead))
    engine.dispose()


def downgrade(settings: DatabaseSettings, revision: str = "base") -> None:
    command.downgrade(configuration(settings), revision)


def check(settings: DatabaseSettings) -> None:
    """Raise if the tables in code and the migrations differ."""
    command.check(configuration(settings))
