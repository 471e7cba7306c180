"""The migrations make the tables, unmake them, and agree with the code."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from factories.incident import make_incident
from factories.model import make_model
from factories.report import make_report
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from mycovigil.commands.migrate import app
from mycovigil.db.alert import Incident
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import ReportVerdict
from mycovigil.models import promotion
from mycovigil.postgres import migration, partitions
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings
from mycovigil_local.postgres import create_database


@pytest.fixture
def empty(postgres_server: str) -> DatabaseSettings:
    name = f"migrations_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"  # the server is shared
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


def test_models_that_left_with_an_incident_are_no_longer_trusted(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    engine = engine_of(empty, seconds=60, pooled=False)
    with Session(engine) as session, session.begin():
        old = make_model(session, status=ModelStatus.PRODUCTION)
        night = make_report(session, old, None, verdict=ReportVerdict.DRIFT)
        incident = make_incident(session, night, harmful=True)
        gate = {"against": str(old.id), "passed": True, "reason": ""}
        new = make_model(session, metrics={"gate": gate})
        promotion.promote(session, new.id, decided_by="test")
        # As the code before left them.
        old.certificate_state = new.certificate_state = "valid"
        incident.state, incident.model_id = "open", old.id
        keys = old.id, incident.id, new.id
    migration.downgrade(empty, "5d0a7be41c22")
    migration.upgrade(empty)
    with Session(engine) as session:
        ended = session.get_one(Incident, keys[1])
        assert session.get_one(Model, keys[0]).certificate_state == "void"
        assert (ended.state, ended.superseded_by_id) == ("resolved", keys[2])
        assert session.get_one(Model, keys[2]).certificate_state == "valid"
    engine.dispose()


def test_upgrade_twice_changes_nothing(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    before = tables(empty)
    migration.upgrade(empty)
    assert tables(empty) == before


def test_coming_days_have_partitions(empty: DatabaseSettings) -> None:
    migration.upgrade(empty)
    days = {name for name in tables(empty) if name.startswith("predictions_")}
    assert len(days) == empty.partitions_ahead + 2


def test_past_days_have_partitions_where_asked_for(empty: DatabaseSettings) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    first = today - datetime.timedelta(days=5)
    migration.upgrade(empty, since=first)
    days = {name for name in tables(empty) if name.startswith("predictions_")}
    assert len(days) == empty.partitions_ahead + 6
    assert partitions.name_of(first) in days


def test_a_slip_in_the_year_makes_no_partitions() -> None:
    answer = CliRunner().invoke(app, ["--partitions-since", "0206-11-01"])
    assert "more than ten years ago" in str(answer.exception)


@pytest.mark.whole
def test_commands_at_the_same_time_wait_for_each_other(
    empty: DatabaseSettings, tmp_path: Path
) -> None:
    """As two replicas of a deployment do, on an empty database."""
    environment = os.environ | {
        "MYCOVIGIL_DATABASE_URL": empty.url.get_secret_value(),
        "MYCOVIGIL_STORAGE_URL": str(tmp_path),
    }
    command = [sys.executable, "-m", "mycovigil", "migrate"]
    processes = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(3)
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    migration.check(empty)
