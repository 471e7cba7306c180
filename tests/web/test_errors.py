"""An error that nobody foresaw, and the pages of the problem types, at both services."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from mycovigil_web.problem_catalogue import catalogue

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
EARLIER = {"predictor": "unexpected", "drift": None}


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Of an application with a route that fails; whatever leaves the application fails the test."""

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the secret is plum")

    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_a_500_carries_the_request_id_and_safe_headers(client: TestClient, service: str) -> None:
    with capture_logs() as logs:
        answer = client.get("/broken", headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine-1"
    assert SAFE.items() <= dict(answer.headers).items()
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/internal-error")
    assert "plum" not in answer.text
    earlier = EARLIER[service]
    assert answer.json().get("deprecated_type") == (
        f"https://mycovigil.dev/problems/{earlier}" if earlier else None
    )
    events = {line["event"]: line for line in logs}
    assert "unexpected error" in events
    assert events["request"]["status"] == 500
    counted = client.get("/metrics").text
    assert f'mycovigil_{service}_problems_total{{slug="internal-error"}} 1.0' in counted
    assert 'route="/broken",status="500"' in counted


def test_a_500_of_a_request_for_a_page_is_a_page_where_there_are_pages(
    client: TestClient, service: str
) -> None:
    answer = client.get("/broken", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"]
    kind = {"drift": "text/html; charset=utf-8", "predictor": "application/problem+json"}[service]
    assert answer.headers["content-type"] == kind


def test_a_broken_error_page_is_still_an_answer(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mycovigil_drift.dashboard.error_page.render", lambda *_, **__: broken_page()
    )
    answer = client.get("/broken", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def broken_page() -> None:
    raise RuntimeError("the template is broken")


def test_every_problem_type_has_a_page(client: TestClient) -> None:
    listed = client.get("/problems").json()["problems"]
    assert {one["type"].rsplit("/", 1)[1] for one in listed} == set(catalogue().types)
    for slug, kind in catalogue().types.items():
        document = client.get(f"/problems/{slug}").json()
        assert document["type"] == kind.url
        assert "deprecated_type" not in document
        page = client.get(f"/problems/{slug}", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert kind.url in page.text
    assert client.get("/problems", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/problems/no-such-thing").status_code == 404


def test_a_replaced_spelling_leads_to_the_one_of_today(client: TestClient) -> None:
    for old, new in catalogue().deprecated.items():
        document = client.get(f"/problems/{old}").json()
        assert document["type"].endswith(f"/{new}")
        assert document["deprecated_type"].endswith(f"/{old}")
        page = client.get(f"/problems/{old}", headers={"Accept": "text/html"}).text
        assert f"<code>{old}</code> is deprecated" in page
