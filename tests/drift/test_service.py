"""What is true of the whole service: health, metrics, headers, errors, documentation."""

import datetime
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openapi_spec_validator
import pytest
from factories.incident import make_incident
from factories.key import make_key
from factories.model import make_model
from factories.night import make_night, make_served, night_of
from factories.outage import DEADLINE
from factories.report import FIRST_NIGHT, NIGHT, make_reference_set, make_report
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fsspec.implementations.local import LocalFileSystem
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from mycovigil.db.model import ModelStatus
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import incident
from mycovigil.models import answer_stop, promotion
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil.storage import Storage, photo_key
from mycovigil_drift import state
from mycovigil_drift.app import create_app
from mycovigil_drift.metrics import GAUGES
from mycovigil_drift.session import Database

DIGEST = "ab" * 32


@pytest.fixture
def stranded(settings: Settings) -> Iterator[TestClient]:
    """The service with nobody at the database's address."""
    nowhere = DatabaseSettings(url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    app = create_app(settings.model_copy(update={"database": nowhere}))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_alive_and_ready_need_no_key(anonymous: TestClient) -> None:
    assert anonymous.get("/healthz").json() == {"status": "alive"}
    ready = anonymous.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["database"] == "answers"


def test_without_a_database_it_lives_and_says_so(stranded: TestClient) -> None:
    assert stranded.get("/healthz").status_code == 200
    ready = stranded.get("/readyz")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
    answer = stranded.get(
        "/v1/models", headers={"Authorization": f"Bearer myco_{12 * '0'}_{43 * 'a'}"}
    )
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("/database-away")
    assert "mycovigil_database_up 0.0" in stranded.get("/metrics").text


def test_metrics_count_requests_and_watch_the_watch(client: TestClient, session: Session) -> None:
    model = make_model(session)
    client.get(f"/v1/models/{model.id}")
    text = client.get("/metrics").text
    assert re.search(
        r'request_seconds_count\{method="GET",route="/v1/models/\{model_id\}",status="200"\} 1',
        text,
    )
    for name in ("last_judged_timestamp_seconds", "outbox_waiting", "incidents_unresolved"):
        assert f"\nmycovigil_{name} " in text


def test_a_night_that_failed_does_not_quiet_the_dead_mans_switch(session: Session) -> None:
    model = make_model(session)
    make_report(session, model, make_reference_set(session, model), night=0)
    make_report(session, model, None, night=1, verdict=ReportVerdict.NO_REFERENCE)
    make_report(session, model, None, night=2, verdict=ReportVerdict.FAILED)
    found = session.scalar(text(GAUGES["last_judged_timestamp_seconds"][1]))
    assert float(found) == (FIRST_NIGHT + NIGHT).timestamp()


def test_a_fresh_install_is_no_dead_man(session: Session) -> None:
    query = text(GAUGES["last_judged_timestamp_seconds"][1])
    moment = session.scalar(text("SELECT extract(epoch FROM now())"))
    assert session.scalar(query) == moment
    served = make_served(session, rows=1)
    make_night(session, served, night_of(0), rows=2)
    assert float(session.scalar(query)) == night_of(0).start.timestamp()


def test_what_nobody_may_miss_is_a_gauge(session: Session) -> None:
    def gauge(name: str) -> int:
        return int(session.scalar(text(GAUGES[name][1])) or 0)

    names = ("nights_failed", "retrains_failed", "candidates_refused", "incidents_critical")
    assert [gauge(name) for name in names] == [0, 0, 0, 0]
    model = make_model(session, status=ModelStatus.PRODUCTION)
    now = datetime.datetime.now(tz=datetime.UTC)
    failed = make_report(session, model, None, verdict=ReportVerdict.FAILED)
    failed.window_start, failed.window_end = now - NIGHT, now
    drift = make_report(
        session, model, make_reference_set(session, model), verdict=ReportVerdict.DRIFT
    )
    make_incident(session, drift, harmful=True)
    incident.confirm_harm(session, drift, found="12 of 14 missed")
    job = {"requested_by": "test", "parameters": {}, "state": JobState.FAILED, "finished_at": now}
    session.add(RetrainJob(**job))
    promotion.refuse(session, make_model(session, encoder=None).id, decided_by="test")
    assert [gauge(name) for name in names] == [1, 1, 1, 1]
    assert (gauge("certificate_void"), gauge("answers_stopped")) == (1, 0)
    answer_stop.begin(session, who="test", reason="a test")
    assert gauge("answers_stopped") == 1


def test_every_answer_carries_an_id_and_safe_headers(anonymous: TestClient) -> None:
    given = anonymous.get("/healthz", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    assert "default-src 'none'" in given.headers["content-security-policy"]
    assert given.headers["x-content-type-options"] == "nosniff"
    strange = anonymous.get("/healthz", headers={"X-Request-ID": "a b{}\"'"})
    assert re.fullmatch("[0-9a-f]{32}", strange.headers["x-request-id"])


def test_errors_are_problems_for_programs_and_pages_for_people(anonymous: TestClient) -> None:
    program = anonymous.get("/nowhere")
    assert program.headers["content-type"] == "application/problem+json"
    assert program.json()["instance"] == "/nowhere"
    person = anonymous.get("/nowhere", headers={"Accept": "text/html"})
    assert person.status_code == 404
    assert person.headers["content-type"].startswith("text/html")
    assert anonymous.delete("/v1/models").status_code == 405


def test_an_unexpected_error_is_told_without_its_insides(app: FastAPI, client: TestClient) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the secret is plum")

    with capture_logs() as logs:
        answer = client.get("/broken")
    assert "unexpected error" in [line["event"] for line in logs]
    assert answer.status_code == 500
    assert answer.json()["type"].endswith("/internal-error")
    assert "plum" not in answer.text


def test_a_read_session_cannot_write(database_settings: DatabaseSettings) -> None:
    database = Database.of(database_settings, seconds=10)
    with database.reads() as session, pytest.raises(InternalError, match="read-only transaction"):
        session.execute(text("DELETE FROM models"))
    database.engine.dispose()


def test_photos_are_served_while_they_are_kept(reader: TestClient, settings: Settings) -> None:
    path = f"/v1/photos/{DIGEST}"
    gone = reader.get(path)
    assert gone.status_code == 404
    assert "not kept" in gone.text
    Storage(settings.storage).write(photo_key(DIGEST), b"jpeg")
    kept = reader.get(path)
    assert (kept.status_code, kept.content) == (200, b"jpeg")
    assert "immutable" in kept.headers["cache-control"]
    assert reader.get("/v1/photos/..%2f..%2fetc").status_code in {404, 422}


class ClientError(Exception):
    """As gcsfs' HttpError: of no class that others share."""


def test_a_storage_that_fails_is_503_and_other_pages_go_on(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = RetrainJob(requested_by="test", state=JobState.QUEUED, parameters={})
    session.add(job)
    session.flush()

    def away(*_: object, **__: object) -> None:
        raise ClientError("503")

    for name in ("cat_file", "exists"):
        monkeypatch.setattr(LocalFileSystem, name, away)
    for path in (f"/v1/photos/{DIGEST}", f"/photos/{DIGEST}", f"/v1/retrain-jobs/{job.id}/log"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"].endswith("/storage-away")
    assert client.get(f"/v1/retrain-jobs/{job.id}").status_code == 200
    assert "mycovigil_drift_storage_paused 1.0" in client.get("/metrics").text


def test_a_storage_that_hangs_holds_no_other_request(
    app: FastAPI, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More requests hang in it than there are threads for requests."""
    goes_on = threading.Event()

    def hang(*_: object) -> bytes:
        goes_on.wait(DEADLINE)
        return b""

    monkeypatch.setattr(state, "STORAGE_SECONDS", 0.2)
    monkeypatch.setattr(Storage, "read", hang)
    paths = [f"/v1/photos/{number:064x}" for number in range(60)]
    headers = {"Authorization": f"Bearer {make_key(session)}"}
    try:
        with TestClient(app, headers=headers) as client, ThreadPoolExecutor(len(paths)) as pool:
            assert {one.status_code for one in pool.map(client.get, paths)} == {503}
            assert client.get("/login").status_code == 200
    finally:
        goes_on.set()


def test_docs_ask_no_cdn(anonymous: TestClient) -> None:
    page = anonymous.get("/docs").text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert anonymous.get(asset).status_code == 200, asset


def test_every_operation_is_described(anonymous: TestClient) -> None:
    document = anonymous.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        assert all(operation["summary"] for operation in operations.values()), path
    assert "HTTPBearer" in json.dumps(document["components"]["securitySchemes"])


def test_every_operation_lists_its_problems(anonymous: TestClient) -> None:
    document = anonymous.get("/openapi.json").json()
    openapi_spec_validator.validate(document)
    for path, operations in document["paths"].items():
        for operation in operations.values() if path.startswith("/v1/") else ():
            problems = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert {"401", "403", "404", "422", "429", "503"} <= set(problems), path
            for status, response in problems.items():
                (media,) = response["content"]
                assert media == "application/problem+json", (path, status)
    assert "field" in json.dumps(document["components"]["schemas"]["Problem"])
