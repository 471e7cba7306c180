"""Postgres hangs or goes: the drift API says so in time, and comes back by itself."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from factories.key import make_key
from factories.mortal import MortalPostgres
from factories.outage import until
from fastapi.testclient import TestClient
from pydantic import SecretStr

from mycovigil.postgres import migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings
from mycovigil_drift.app import create_app
from mycovigil_local.postgres import create_database

# The promise of the default settings, and a busy machine's allowance.
PROMISE, WITHIN = 10.0, 5.0
QUICK = DriftSettings(port=0, database_seconds=1)


@pytest.fixture
def clients(mortal_postgres: MortalPostgres, settings: Settings) -> Iterator[list[TestClient]]:
    """Of a service that waits for Postgres for one second, and of one with the default settings;
    both hold a key with every scope."""
    database = DatabaseSettings(url=SecretStr(create_database(mortal_postgres.url, "outage")))
    migration.upgrade(database)
    with one_session(database) as session:
        key = make_key(session)
    with ExitStack() as stack:
        made = []
        for drift in (QUICK, DriftSettings(port=0)):
            given = settings.model_copy(update={"database": database, "drift": drift})
            client = stack.enter_context(TestClient(create_app(given)))
            client.headers["Authorization"] = f"Bearer {key}"
            assert client.get("/v1/models").status_code == 200
            made.append(client)
        yield made


def timed(client: TestClient, path: str, seconds: float = WITHIN) -> int:
    """The status of an answer, which comes in time."""
    started = time.monotonic()
    status = client.get(path).status_code
    assert time.monotonic() - started < seconds, path
    return status


@pytest.mark.whole
def test_a_silent_postgres_is_told_in_time(
    clients: list[TestClient], mortal_postgres: MortalPostgres
) -> None:
    (client, unhurried), server = clients, mortal_postgres
    assert (timed(client, "/readyz"), timed(client, "/v1/models")) == (200, 200)
    with ThreadPoolExecutor(2) as pool:
        server.freeze()
        try:
            promised = pool.submit(timed, unhurried, "/v1/models", PROMISE)
            listed = pool.submit(timed, client, "/v1/models")  # the key is known by now
            assert timed(client, "/healthz") == 200
            for _ in range(2):
                assert timed(client, "/readyz") == 503
            refused = client.get("/readyz")
            assert refused.json()["type"].endswith("/database-away")
            assert refused.headers["retry-after"] == "5"
            assert listed.result() == 503
            assert "mycovigil_database_up 0.0" in client.get("/metrics").text
            assert promised.result() == 503
        finally:
            server.thaw()
    until(lambda: client.get("/readyz").status_code == 200)
    assert client.get("/v1/models").status_code == 200
