"""The addresses of Postgres in the cloud are ones that our drivers understand."""

import uuid
from dataclasses import replace

import psycopg
import pytest
from factories.cloud import Plan, Workload, resources
from factories.cloud_agreement import settings_of
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mycovigil.postgres import timeouts
from mycovigil.postgres.engine import engine_of, psycopg_url
from mycovigil.postgres.rights import RIGHTS
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil_worker.retrain.vertex.job_spec import Key, custom_job

VERTEX = {"MYCOVIGIL_TRAINING_LAUNCHER": "vertex"}


def test_the_owner_logs_in_through_the_socket_without_a_password_in_the_address(
    workloads: dict[str, Workload],
) -> None:
    url = workloads["migrate"].environment["MYCOVIGIL_DATABASE_URL"]
    read = make_url(psycopg_url(url))
    assert (read.host, read.username, read.password) == (None, "mycovigil", None)
    assert read.query == {"host": "/cloudsql/fungi:europe-west1:mycovigil"}
    assert conninfo_to_dict(url)["host"] == "/cloudsql/fungi:europe-west1:mycovigil"


def granted(migrate: Workload) -> dict[str, str]:
    """Role by service, as the migration is told."""
    words = migrate.command
    pairs = [words[n + 1].partition("=") for n, word in enumerate(words) if word == "--grant"]
    return {service: role for service, _, role in pairs}


def test_each_service_logs_in_as_its_account_with_the_rights_of_its_role(
    workloads: dict[str, Workload],
) -> None:
    roles = granted(workloads["migrate"])
    assert set(roles) == set(RIGHTS)
    for name, workload in workloads.items():
        if name == "migrate":
            continue
        service = {"beat": "worker", "night": "worker"}.get(name, name)
        login = conninfo_to_dict(workload.environment["MYCOVIGIL_DATABASE_URL"])
        assert login["user"] == roles[service] == f"mycovigil-{service}@fungi.iam"
        assert f"{login['user']}.gserviceaccount.com" == workload.account
        assert "password" not in login
        assert workload.secrets == {}


def test_a_training_on_vertex_ai_comes_to_the_private_address_by_a_token(
    workloads: dict[str, Workload], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = workloads["trainer"]
    settings = settings_of(replace(trainer, environment=trainer.environment | VERTEX), monkeypatch)
    assert isinstance(settings, Settings), settings
    key = Key(uuid.UUID(int=1), incident_id=None, training=0, attempt=1)
    body = custom_job(settings, key, trainer.environment | VERTEX)
    assert body["jobSpec"]["serviceAccount"] == trainer.account
    assert body["jobSpec"]["pscInterfaceConfig"]["networkAttachment"]
    (pool,) = body["jobSpec"]["workerPoolSpecs"]
    assert pool["containerSpec"]["imageUri"] == trainer.image
    sent = {one["name"]: one["value"] for one in pool["containerSpec"]["env"]}
    login = conninfo_to_dict(sent["MYCOVIGIL_DATABASE_URL"])
    assert login["user"] == granted(workloads["migrate"])["trainer"]
    assert (login["host"], login["sslmode"], login.get("password")) == (
        "10.30.0.3",
        "require",
        None,
    )
    assert sent["MYCOVIGIL_DATABASE_LOGIN"] == "google"
    assert sent["MYCOVIGIL_TRAINING_DATASET"] == "/gcs/fungi-mycovigil-assets/dataset"


def test_postgres_takes_no_connection_that_is_not_encrypted(plan: Plan) -> None:
    (instance,) = resources(plan, "google_sql_database_instance").values()
    (options,) = instance["settings"][0]["ip_configuration"]
    assert (options["ssl_mode"], options["ipv4_enabled"]) == ("ENCRYPTED_ONLY", False)


def test_an_address_of_that_form_reaches_a_real_postgres(
    clean_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = make_url(clean_database)
    with psycopg.connect(clean_database) as connection:
        (folder,) = connection.execute("SHOW unix_socket_directories").fetchone() or ("",)
        (port,) = connection.execute("SHOW port").fetchone() or ("",)
    if not folder:
        pytest.skip("this Postgres has no socket")
    monkeypatch.setenv("PGPASSWORD", "from-secret-manager")
    monkeypatch.setenv("PGPORT", port)
    url = f"postgresql://{plain.username}@/{plain.database}?host={folder.split(',')[0].strip()}"
    with timeouts.connect(DatabaseSettings(url=url), seconds=5, name="test") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    engine = engine_of(DatabaseSettings(url=url), seconds=5)
    with engine.connect() as session:
        assert session.scalar(text("SELECT 1")) == 1
    engine.dispose()
