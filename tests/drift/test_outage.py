"""Postgres hangs or goes: the drift API says so in time, and comes back by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.key import make_key
from factories.mortal import MortalPostgres
from factories.outage import until
from fastapi.testclient import TestClient
from pydantic import SecretStr

from mycovigil.postgres import migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil_drift.app import create_app

WITHIN = 5.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MortalPostgres]:
    server = MortalPostgres(tmp_path / "postgres")
    yield server
    server.close()


@pytest.fixture
def client(server: MortalPostgres, settings: Settings) -> Iterator[TestClient]:
    """Holds a key with every scope; a request waits for Postgres for two seconds."""
    database = DatabaseSettings(url=SecretStr(server.url), request_seconds=2)
    migration.upgrade(database)
    with one_session(database) as session:
        key = make_key(session)
    with TestClient(create_app(settings.model_copy(update={"database": database}))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def timed(client: TestClient, path: str) -> int:
    """The status of an answer, which comes in time."""
    started = time.monotonic()
    status = client.get(path).status_code
    assert time.monotonic() - started < WITHIN, path
    return status


def test_a_silent_postgres_is_told_in_time(client: TestClient, server: MortalPostgres) -> None:
    assert (timed(client, "/readyz"), timed(client, "/v1/models")) == (200, 200)
    server.freeze()
    try:
        assert timed(client, "/healthz") == 200
        for _ in range(2):
            assert timed(client, "/readyz") == 503
        refused = client.get("/readyz")
        assert refused.json()["type"].endswith("/database-away")
        assert refused.headers["retry-after"] == "5"
        assert timed(client, "/v1/models") == 503  # the key is known by then
        assert "mycovigil_database_up 0.0" in client.get("/metrics").text
    finally:
        server.thaw()
    until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/v1/models").status_code == 200
