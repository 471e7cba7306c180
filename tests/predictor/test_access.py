"""Keys, scopes, revocation, rates."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from factories.outage import DEADLINE, until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import Scope
from mycovigil.db.key import ApiKey
from mycovigil.db.model import Model
from mycovigil.db.prediction import Label, Prediction
from mycovigil.settings import RedisSettings, Settings
from mycovigil_local.port import free_port
from mycovigil_local.process import Child
from mycovigil_local.valkey import valkey_command
from mycovigil_web import callers
from mycovigil_web.keys import FRESH_SECONDS, KeyCache


def quiet(_name: str, _line: str) -> None:
    """A server's output, which nobody reads."""


def status(running: Running, key: str | None) -> int:
    headers = {"authorization": "" if key is None else f"Bearer {key}"}
    return running.predict(make_photo(), **headers).status_code


def test_missing_wrong_and_unknown_keys(predictor: Running, desk: Desk) -> None:
    wrong = predictor.key[:-3] + "xyz"
    for key in (None, "nonsense", "myco_abc_def", wrong):
        assert status(predictor, key) == 401, key
    refused = predictor.predict(make_photo(), authorization="")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "mycovigil keys create" in refused.json()["detail"]
    assert status(predictor, desk.key(Scope.READ)) == 403
    assert status(predictor, desk.key(Scope.PREDICT)) == 200


def test_a_revocation_takes_effect_within_two_seconds(
    predictor: Running, desk: Desk, engine: Engine
) -> None:
    key = desk.key(Scope.PREDICT)
    assert status(predictor, key) == 200
    with Session(engine) as session, session.begin():
        assert access.revoke(session, access.prefix_of(key))
    revoked = time.monotonic()
    sent: list[float] = []

    def refused() -> bool:
        sent.append(time.monotonic())
        return status(predictor, key) == 401

    until(refused)
    assert all(moment - revoked < 2.0 for moment in sent[:-1])  # those that were accepted


def test_a_key_reads_only_its_own_predictions_whatever_its_name(
    predictor: Running, desk: Desk
) -> None:
    def read(identifier: str, key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return predictor.http.get(f"/v1/predictions/{identifier}", headers=headers).status_code

    key = desk.key(Scope.PREDICT)
    mine = predictor.predict(make_photo(), authorization=f"Bearer {key}").json()["id"]
    assert read(mine, key) == 200
    assert read(mine, desk.key(Scope.PREDICT)) == 404  # another of the same name
    assert read(mine, desk.key(Scope.READ, name="other")) == 200


def test_a_key_named_page_reads_no_public_upload(
    serve: Serve, settings: Settings, production: Model, desk: Desk, engine: Engine
) -> None:
    options = settings.predictor.model_copy(update={"public_page": True})
    running = serve(settings.model_copy(update={"predictor": options}))
    files = {"files": ("a.jpg", make_photo(), "image/jpeg")}
    assert running.http.post("/", files=files).status_code == 200
    with Session(engine) as session:
        (row,) = session.scalars(select(Prediction))
    assert row.client == "page"
    headers = {"authorization": f"Bearer {desk.key(Scope.PREDICT, name='page')}"}
    assert running.http.get(f"/v1/predictions/{row.id}", headers=headers).status_code == 404


def test_two_keys_of_one_name_correct_no_label_of_each_other(
    predictor: Running, desk: Desk, engine: Engine
) -> None:
    identifier = predictor.predict(make_photo()).json()["id"]

    def label(key: str, said: str) -> None:
        told = predictor.http.put(
            f"/v1/predictions/{identifier}/label",
            json={"label": said, "confidence": "certain"},
            headers={"authorization": f"Bearer {key}"},
        )
        assert told.status_code == 200, told.text

    def labels() -> list[str]:
        with Session(engine) as session:
            return sorted(session.scalars(select(Label.label)))

    one, other = desk.key(Scope.LABEL), desk.key(Scope.LABEL)
    label(one, "deadly")
    with Session(engine) as session, session.begin():
        session.execute(update(Label).values(key_prefix=None))  # from before keys were noted
    label(one, "poisonous")
    assert labels() == ["poisonous"]
    label(other, "edible")
    label(one, "deadly")
    assert labels() == ["deadly", "edible"]


def limited(settings: Settings, rate: str, redis_url: str | None = None) -> Settings:
    options = settings.predictor.model_copy(update={"key_rate": rate})
    redis = settings.redis if redis_url is None else RedisSettings(url=redis_url)
    return settings.model_copy(update={"predictor": options, "redis": redis})


def test_a_key_has_its_rate(serve: Serve, settings: Settings, production: Model) -> None:
    running = serve(limited(settings, "3/hour"))
    answers = [running.predict(make_photo()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_without_redis_the_rate_is_local_and_a_metric_says_so(
    serve: Serve, settings: Settings, production: Model
) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    running = serve(limited(settings, "3/hour", away))
    assert [status(running, running.key) for _ in range(4)] == [200, 200, 200, 429]
    assert "limit_failures_total 4.0" in running.http.get("/metrics").text


def stranger() -> str:
    """A key of the right form that nobody made."""
    return f"myco_{os.urandom(6).hex()}_{43 * 'a'}"


def test_strangers_over_their_limit_reach_no_database_and_good_keys_pass(
    predictor: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    read = KeyCache._read

    def counted(self: KeyCache, prefix: str) -> ApiKey | None:
        looked_up.append(prefix)
        return read(self, prefix)

    monkeypatch.setattr(KeyCache, "_read", counted)
    monkeypatch.setattr(callers, "REFUSALS_RATE", "3/hour")
    assert status(predictor, predictor.key) == 200
    looked_up.clear()
    answers = [status(predictor, stranger()) for _ in range(6)]
    assert answers == [401, 401, 401, 429, 429, 429]
    assert len(looked_up) == 3
    assert status(predictor, predictor.key) == 200


def test_strangers_push_no_good_key_out(
    predictor: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycovigil_web.keys.REMEMBERED", 2)
    assert status(predictor, predictor.key) == 200
    for _ in range(5):
        assert status(predictor, stranger()) == 401
    monkeypatch.setattr(KeyCache, "_read", away)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + FRESH_SECONDS)
    monkeypatch.setattr("mycovigil_web.keys.time", later)
    assert status(predictor, predictor.key) == 200
    assert status(predictor, stranger()) == 503


def away(_self: KeyCache, _prefix: str) -> ApiKey | None:
    raise OperationalError("no database", None, Exception())


def test_a_key_that_cannot_be_one_is_refused_without_a_look(
    predictor: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyCache, "_read", away)
    for key in ("myco_\0_x", predictor.key[:-1] + "\0", predictor.key + "x"):
        files = {"files": ("a.jpg", make_photo(), "image/jpeg")}
        headers = {"authorization": ""}
        answer = predictor.http.post("/", files=files, data={"key": key}, headers=headers)
        assert answer.status_code == 401, key


def failures(running: Running) -> float:
    """Rate limits that were checked locally."""
    lines = running.http.get("/metrics").text.splitlines()
    (line,) = (line for line in lines if line.startswith("mycovigil_predictor_limit_failures_t"))
    return float(line.split()[1])


def test_redis_may_go_and_come_back_while_requests_are_answered(
    serve: Serve, settings: Settings, production: Model, tmp_path: Path
) -> None:
    port = free_port()
    server = Child("redis", valkey_command(tmp_path, port, throwaway=True), os.environ, quiet)
    server.ready = "Server initialized"
    server.start()
    server.wait_ready(DEADLINE)
    running = serve(limited(settings, "1000/hour", f"redis://127.0.0.1:{port}/0"))
    assert status(running, running.key) == 200
    assert failures(running) == 0

    server.stop()
    assert [status(running, running.key) for _ in range(3)] == [200, 200, 200]
    assert failures(running) == 3

    server.start()
    server.wait_ready(DEADLINE)
    until(lambda: counted_by_redis(running))
    server.stop()


def counted_by_redis(running: Running) -> bool:
    before = failures(running)
    assert status(running, running.key) == 200
    return failures(running) == before


def test_no_other_origin_may_read_unless_the_operator_allows_it(
    serve: Serve, settings: Settings, predictor: Running
) -> None:
    asked = {
        "origin": "https://example.org",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    for path in ("/v1/predictions", "/", "/healthz"):
        answer = predictor.http.options(path, headers=asked)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if name.startswith("access-control")]
        simple = predictor.http.get(path, headers={"origin": asked["origin"]})
        assert not [name for name in simple.headers if name.startswith("access-control")]

    options = settings.predictor.model_copy(update={"cors_origins": ("https://example.org",)})
    running = serve(settings.model_copy(update={"predictor": options}))
    allowed = running.http.options("/v1/predictions", headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://example.org"
    assert "access-control-allow-credentials" not in allowed.headers
    other = running.http.options("/v1/predictions", headers=asked | {"origin": "https://evil.org"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "sent",
    [
        "x-client-session,x-app-version,x-deadline-seconds,traceparent",
        "authorization,content-type,idempotency-key,x-request-id,tracestate,baggage,sentry-trace",
    ],
)
def test_a_page_of_an_allowed_origin_may_send_its_headers_and_read_when_to_return(
    serve: Serve, settings: Settings, sent: str
) -> None:
    origin = {"origin": "https://example.org"}
    options = settings.predictor.model_copy(update={"cors_origins": tuple(origin.values())})
    running = serve(settings.model_copy(update={"predictor": options}))
    asked = {"access-control-request-method": "POST", "access-control-request-headers": sent}
    preflight = running.http.options("/v1/predictions", headers=origin | asked)
    assert preflight.status_code == 200, preflight.text
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert set(sent.split(",")) <= {name.strip() for name in allowed.split(",")}
    refused = running.http.post(
        "/v1/predictions", content=b"x", headers=origin
    )  # there is no model
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.headers["access-control-allow-origin"] == origin["origin"]
    exposed = refused.headers["access-control-expose-headers"].lower()
    assert {"retry-after", "x-request-id"} <= {name.strip() for name in exposed.split(",")}


def test_headers_of_safety(predictor: Running) -> None:
    answer: httpx.Response = predictor.http.get("/healthz")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    given = predictor.http.get("/healthz", headers=[(b"x-request-id", "bad id \u00e9".encode())])
    assert given.headers["x-request-id"] != "bad id"
