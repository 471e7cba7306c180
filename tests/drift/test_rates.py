"""Rate limits of the drift API: per key, and per address where there is no known key."""

import os
from collections.abc import Iterator

import pytest
from factories.key import make_key
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import Scope
from mycovigil.settings import RedisSettings, Settings
from mycovigil_drift.access import COOKIE
from mycovigil_drift.app import create_app
from mycovigil_local.port import free_port


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With the rates of the test's parameters."""
    drift = settings.drift.model_copy(update=getattr(request, "param", {}))
    return settings.model_copy(update={"drift": drift})


@pytest.fixture
def visitor(app: FastAPI) -> Iterator[TestClient]:
    """From an address of its own."""
    address = (f"198.51.100.{os.urandom(1)[0]}", 50_000)
    with TestClient(app, client=address, follow_redirects=False) as client:
        yield client


rated = pytest.mark.parametrize(
    "settings",
    [{"key_rate": "3/hour", "address_rate": "4/hour", "public_dashboard": True}],
    indirect=True,
)


@rated
def test_a_key_has_its_rate_whatever_the_address(visitor: TestClient, session: Session) -> None:
    key = {"Authorization": f"Bearer {make_key(session, Scope.READ)}"}
    answers = [visitor.get("/v1/models", headers=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["type"].endswith("/rate-limited")
    other = {"Authorization": f"Bearer {make_key(session, Scope.READ)}"}
    assert visitor.get("/v1/models", headers=other).status_code == 200


@rated
def test_who_has_no_key_is_limited_by_address(visitor: TestClient, session: Session) -> None:
    html = {"Accept": "text/html"}
    paths = ("/models", "/login", "/docs", "/problems", "/models")
    answers = [visitor.get(path, headers=html) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert "<h1>" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
    for quiet in ("/healthz", "/readyz", "/metrics"):
        assert visitor.get(quiet).status_code == 200
    key = {"Authorization": f"Bearer {make_key(session)}"}
    assert visitor.get("/v1/models", headers=key).status_code == 200


@rated
def test_a_stale_login_sees_a_public_dashboard_and_may_log_out(
    visitor: TestClient, session: Session
) -> None:
    key = make_key(session)
    visitor.cookies.set(COOKIE, key)
    assert "Logged in as" in visitor.get("/models").text
    access.revoke(session, access.prefix_of(key))
    session.flush()
    page = visitor.get("/models", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Logged in as" not in page.text
    assert f'{COOKIE}="";' in page.headers["set-cookie"]
    header = {"Authorization": f"Bearer {key}"}
    assert visitor.get("/models", headers=header).status_code == 401
    for code in (200, 200, 200, 429):
        visitor.cookies.set(COOKIE, key)
        assert visitor.get("/models").status_code == code


def test_a_link_from_elsewhere_finds_its_reader_logged_in(
    visitor: TestClient, session: Session
) -> None:
    answer = visitor.post("/login", data={"key": make_key(session)})
    assert answer.status_code == 303
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_made_up_keys_are_limited_by_address_before_they_reach_the_database(
    visitor: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mycovigil_web.callers.REFUSALS_RATE", "2/hour")
    key = {"Authorization": f"Bearer {make_key(session)}"}
    assert visitor.get("/v1/models", headers=key).status_code == 200
    statuses = []
    for _ in range(3):
        made_up = {"Authorization": f"Bearer myco_{os.urandom(6).hex()}_{43 * 'a'}"}
        statuses.append(visitor.get("/v1/models", headers=made_up).status_code)
    assert statuses == [401, 401, 429]
    form = {"key": f"myco_{os.urandom(6).hex()}_{43 * 'a'}"}
    assert visitor.post("/login", data=form).status_code == 429
    assert 'problems_total{slug="rate-limited"} 2.0' in visitor.get("/metrics").text
    assert visitor.get("/v1/models", headers=key).status_code == 200  # known by then


@rated
def test_without_redis_the_rate_is_local_and_a_metric_says_so(
    settings: Settings, session: Session, app: FastAPI
) -> None:
    away = RedisSettings(url=f"redis://127.0.0.1:{free_port()}/0")
    lonely = create_app(settings.model_copy(update={"redis": away}))
    lonely.dependency_overrides = app.dependency_overrides
    key = {"Authorization": f"Bearer {make_key(session)}"}
    with TestClient(lonely) as client:
        answers = [client.get("/v1/models", headers=key).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
        assert "mycovigil_drift_limit_failures_total 4.0" in client.get("/metrics").text
