"""The migrations make the tables, unmake them, and agree with the code."""

import psycopg
import pytest

from mycovigil import migration
from mycovigil.settings import DatabaseSettings
from mycovigil.stack.postgres import create_database


@pytest.fixture
def empty(postgres_server: str) -> DatabaseSettings:
    name = "test_migrations"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return DatabaseSettings(url=create_database(postgres_server, name))


def tables(settings: DatabaseSettings) -> set[str]:
    with psycopg.connect(settings.url.get_secret_value()) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in rows}


def test_upgrade_check_and_downgrade(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    assert {"predictions", "drift_reports", "outbox"} <= tables(empty)
    migration.check(empty)
    migration.downgrade(empty)
    assert tables(empty) == {"alembic_version"}


def test_upgrade_twice_changes_nothing(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    before = tables(empty)
    migration.upgrade(empty)
    assert tables(empty) == before


def test_coming_days_have_partitions(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    days = {name for name in tables(empty) if name.startswith("predictions_")}
    assert len(days) == empty.partitions_ahead + 2
