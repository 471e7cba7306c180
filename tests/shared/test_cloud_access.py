"""A bucket, right or login that is missing in Google Cloud is named with what mends it."""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from factories.outage import until
from factories.pubsub_server import PubSubServer, pubsub_server
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from mycovigil import cli, cloud_access, cloud_database
from mycovigil.cloud_access import Need, missing
from mycovigil.settings import (
    DatabaseSettings,
    PublisherSettings,
    Settings,
    StorageSettings,
)
from mycovigil.storage import Storage

ROLE = f"blind_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
NOBODY = "--member=serviceAccount:ACCOUNT"


class Google(BaseHTTPRequestHandler):
    """Cloud Storage as far as it is asked for rights: reading one bucket is granted, and writing
    another."""

    written: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = parse_qs(address.query).get("permissions", [])
        bucket = address.path.partition("/b/")[2].partition("/")[0]
        granted = [one for one in asked if one == "storage.objects.get" and bucket == "fungi"]
        body = json.dumps({"permissions": granted}).encode()
        self.send_response(404 if bucket == "absent" else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """An object is written, refused, or its bucket is absent."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        bucket = urlsplit(self.path).path.partition("/b/")[2].partition("/")[0]
        body = b"{}"
        if bucket == "open":
            self.written.extend(re.findall(r'"name": "([^"]+)"', sent))
        self.send_response({"open": 200, "fungi": 403}.get(bucket, 404))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # looks for no credentials
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with pubsub_server() as made:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{made.port}")
        yield made


@pytest.fixture
def settings(postgres_url: str) -> Settings:
    return Settings(
        database=DatabaseSettings(url=postgres_url),
        storage=StorageSettings(url="gs://fungi/product"),
        publisher=PublisherSettings(project="p"),
    )


def said(settings: Settings, *needs: Need, service: str | None = None) -> list[tuple[str, str]]:
    return [(one.what, one.mend) for one in missing(settings, *needs, service=service)]


def with_storage(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"storage": StorageSettings(url=url)})


def with_user(settings: Settings, user: str) -> Settings:
    url = make_url(settings.database.url.get_secret_value()).set(username=user)
    text = url.render_as_string(hide_password=False)
    return settings.model_copy(update={"database": DatabaseSettings(url=text)})


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_nothing_is_said_where_nothing_is_missing(settings: Settings, pubsub: PubSubServer) -> None:
    assert pubsub.published == []
    assert said(settings, Need.READ, Need.PUBLISH, Need.CONSUME) == []


def test_a_right_on_a_bucket_is_named_with_its_role(settings: Settings) -> None:
    assert said(settings, Need.READ, Need.WRITE) == [
        (
            "storage.objects.create on gs://fungi",
            f"gcloud storage buckets add-iam-policy-binding gs://fungi {NOBODY} "
            "--role=roles/storage.objectUser",
        )
    ]


def test_a_bucket_that_is_not_there_is_named(settings: Settings) -> None:
    assert said(with_storage(settings, "gs://absent"), Need.READ) == [
        ("the bucket gs://absent", "gcloud storage buckets create gs://absent")
    ]


def test_an_installation_without_a_bucket_asks_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread was started"))
    cloud_access.report(with_storage(settings, str(tmp_path)), Need.READ, service="drift")


def test_rights_in_pubsub_are_named(settings: Settings, pubsub: PubSubServer) -> None:
    pubsub.restricted, pubsub.absent = True, "mycovigil.models"
    assert said(settings, Need.PUBLISH, Need.CONSUME) == [
        (
            "pubsub.topics.publish on projects/p/topics/mycovigil.alerts",
            "gcloud pubsub topics add-iam-policy-binding projects/p/topics/mycovigil.alerts "
            f"{NOBODY} --role=roles/pubsub.publisher",
        ),
        (
            "projects/p/topics/mycovigil.models in Pub/Sub",
            "gcloud pubsub topics create projects/p/topics/mycovigil.models",
        ),
        (
            "pubsub.subscriptions.consume on "
            "projects/p/subscriptions/mycovigil.alerts.retrain-trigger",
            "gcloud pubsub subscriptions add-iam-policy-binding "
            "projects/p/subscriptions/mycovigil.alerts.retrain-trigger "
            f"{NOBODY} --role=roles/pubsub.subscriber",
        ),
    ]


@pytest.fixture
def blind(postgres_url: str) -> Iterator[str]:
    """A database role that may log in and read nothing."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield ROLE
        connection.execute(f"DROP ROLE {ROLE}")


def test_a_right_on_the_database_is_named(settings: Settings, blind: str) -> None:
    ((what, mend),) = said(with_user(settings, blind), service="predictor")
    assert what.startswith(f"rights in Postgres for {blind}: SELECT on answer_stops, ")
    assert "INSERT on predictions" in what
    assert mend == f"mycovigil migrate --grant predictor={blind}"
    ((what, _),) = said(with_user(settings, blind), service="worker")
    assert "EXECUTE on drop_day_of_predictions(date)" in what


@pytest.mark.parametrize(
    ("login", "reason", "mend"),
    [
        (
            "password",
            "connection failed: fe_sendauth: no password supplied",
            "gcloud run jobs update migrate "
            "--update-secrets=PGPASSWORD=mycovigil-database-password:1",
        ),
        (
            "password",
            'password authentication failed for user "x"',
            "gcloud sql users set-password USER --instance=main --prompt-for-password",
        ),
        (
            "google",
            'Cloud SQL IAM service account authentication failed for user "drift@fungi.iam"',
            "gcloud sql users create drift@fungi.iam --instance=main "
            "--type=cloud_iam_service_account && gcloud projects add-iam-policy-binding fungi "
            f"{NOBODY} --role=roles/cloudsql.instanceUser",
        ),
        (
            "google",
            "no access token to log in with: Your default credentials were not found.",
            "gcloud run jobs update migrate --service-account=ACCOUNT",
        ),
        (
            "password",
            'socket "/cloudsql/fungi:eu:main/.s.PGSQL.5432" failed',
            f"gcloud projects add-iam-policy-binding fungi {NOBODY} --role=roles/cloudsql.client",
        ),
    ],
    ids=["no password", "wrong password", "no user of IAM", "no token", "no socket"],
)
def test_a_refused_login_is_named_with_its_command(
    monkeypatch: pytest.MonkeyPatch, login: str, reason: str, mend: str
) -> None:
    monkeypatch.setenv("CLOUD_RUN_JOB", "migrate")
    url = "postgresql://drift%40fungi.iam@/mycovigil?host=/cloudsql/fungi:eu:main"
    (one,) = cloud_database.login(DatabaseSettings(url=url, login=login), reason)
    assert reason in one.what
    assert one.mend == mend


def test_an_empty_database_wants_its_tables(settings: Settings, postgres_server: str) -> None:
    empty = settings.model_copy(update={"database": DatabaseSettings(url=postgres_server)})
    assert said(empty, service="drift") == [("the tables in Postgres", "mycovigil migrate")]


def test_who_keeps_photos_is_asked_whether_it_may_write_them(settings: Settings) -> None:
    assert said(settings, Need.WRITE_PHOTOS) == [
        (
            "storage.objects.create below photos/ on gs://fungi",
            f"gcloud storage buckets add-iam-policy-binding gs://fungi {NOBODY} "
            "--role=roles/storage.objectUser",
        )
    ]
    assert said(with_storage(settings, "gs://open/product"), Need.WRITE_PHOTOS) == []
    assert Google.written == ["product/photos/may-be-written"]


def test_a_database_that_is_away_lacks_no_right(settings: Settings) -> None:
    away = DatabaseSettings(url="postgresql://x@127.0.0.1:1/x")
    assert said(settings.model_copy(update={"database": away})) == []


def test_it_is_told_in_one_line_and_nobody_waits(settings: Settings) -> None:
    with capture_logs() as lines:
        cloud_access.report(with_storage(settings, "gs://absent"), Need.READ, service="drift")
        until(lambda: bool(lines))
    assert [one["event"] for one in lines] == ["missing in the cloud"]
    assert lines[0]["mend"] == "gcloud storage buckets create gs://absent"


def test_a_command_that_fails_says_what_is_missing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", postgres_url)
    monkeypatch.setenv("MYCOVIGIL_STORAGE_URL", "gs://absent")
    monkeypatch.setattr(sys, "argv", ["mycovigil", "migrate"])
    monkeypatch.setattr(
        "mycovigil.models.demo.registration.ensure",
        lambda _, storage: Storage(storage).write("models/1", b""),
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == (
        "mycovigil migrate: the bucket gs://absent is missing: "
        "gcloud storage buckets create gs://absent"
    )
