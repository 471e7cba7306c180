"""Logging in to Postgres by an access token: a local metadata server, and a real Postgres."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy import text

from mycovigil.postgres import login, timeouts
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings

# Google's library reads NO_GCE_CHECK once, in whichever test imports it first.
NO_CHECK = "google.auth.compute_engine._metadata._NO_GCE_CHECK"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"


class Metadata(BaseHTTPRequestHandler):
    """Gives a new token at each request, good for ``seconds``."""

    scopes: ClassVar[list[str]] = []
    seconds = 3600

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        body: object = {"email": "drift@fungi.iam.gserviceaccount.com", "scopes": []}
        if address.path == f"{ACCOUNT}/token":
            self.scopes.extend(parse_qs(address.query)["scopes"])
            token = f"token-{len(self.scopes)}"
            body = {"access_token": token, "expires_in": self.seconds, "token_type": "Bearer"}
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Metadata]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", address)
    monkeypatch.setattr(NO_CHECK, False)
    monkeypatch.setenv("GCE_METADATA_IP", address)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    Metadata.scopes.clear()
    login._credentials.cache_clear()
    yield Metadata
    login._credentials.cache_clear()
    server.shutdown()
    server.server_close()


@pytest.fixture
def database(postgres_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=postgres_url, login="google")


def test_every_kind_of_connection_logs_in_by_the_token(
    metadata: type[Metadata], database: DatabaseSettings
) -> None:
    with timeouts.connect(database, seconds=5, name="test") as connection:
        assert connection.info.password == "token-1"
    engine = engine_of(database, seconds=5)
    with engine.connect() as pooled:
        assert pooled.scalar(text("SELECT 1")) == 1
        driver = pooled.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        assert driver.info.password == "token-1"
    engine.dispose()

    async def password() -> str:
        async with await timeouts.connect_async(database, seconds=5, name="test") as opened:
            return opened.info.password

    assert asyncio.run(password()) == "token-1"
    assert metadata.scopes == [login.SCOPE]


def test_a_token_that_ends_soon_is_not_used(
    metadata: type[Metadata], database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "seconds", 1)
    assert login.parameters(database) == {"password": "token-1"}
    assert login.parameters(database) == {"password": "token-2"}


def test_without_an_account_the_database_is_away(
    database: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NO_CHECK, True)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    login._credentials.cache_clear()
    with pytest.raises(psycopg.OperationalError, match="no access token to log in with"):
        timeouts.connect(database, seconds=5, name="test")


def test_a_password_needs_no_google(postgres_url: str) -> None:
    assert login.parameters(DatabaseSettings(url=postgres_url)) == {}
