"""The addresses of Postgres in the cloud are ones that our drivers understand."""

import psycopg
import pytest
from factories.cloud import Workload
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mycovigil.postgres import timeouts
from mycovigil.postgres.engine import engine_of, psycopg_url
from mycovigil.settings import DatabaseSettings


def test_owners_log_in_through_the_socket_without_a_password_in_the_address(
    workloads: dict[str, Workload],
) -> None:
    url = workloads["worker"].environment["MYCOVIGIL_DATABASE_URL"]
    read = make_url(psycopg_url(url))
    assert (read.host, read.username, read.password) == (None, "mycovigil", None)
    assert read.query == {"host": "/cloudsql/fungi:europe-west1:mycovigil"}
    assert conninfo_to_dict(url)["host"] == "/cloudsql/fungi:europe-west1:mycovigil"


def test_the_predictor_logs_in_as_its_service_account(workloads: dict[str, Workload]) -> None:
    login = conninfo_to_dict(workloads["predictor"].environment["MYCOVIGIL_DATABASE_URL"])
    role = workloads["migrate"].command[-1]
    assert workloads["migrate"].command[-2] == "--grant-predictor"
    assert login["user"] == role == "mycovigil-predictor@fungi.iam"
    assert "password" not in login
    assert workloads["predictor"].secrets == {}


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
    with timeouts.connect(url, seconds=5, name="test") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    engine = engine_of(DatabaseSettings(url=url), seconds=5)
    with engine.connect() as session:
        assert session.scalar(text("SELECT 1")) == 1
    engine.dispose()
