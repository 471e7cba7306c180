"""Who may do what."""

import uuid

import pytest
from factories.key import make_key
from factories.model import make_model
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import Scope

LISTS = (
    "/v1/reports",
    "/v1/alerts",
    "/v1/incidents",
    "/v1/silences",
    "/v1/retrain-jobs",
    "/v1/models",
    "/v1/reference-sets",
)


@pytest.mark.parametrize("path", LISTS)
def test_lists_need_a_key(anonymous: TestClient, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"].endswith("/unauthorised")


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_empty_at_first(reader: TestClient, path: str) -> None:
    assert reader.get(path).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/retrain-jobs", {"reason": "because"}),
        (f"/v1/retrain-jobs/{uuid.UUID(int=7)}/cancel", {"reason": "because"}),
        ("/v1/models/rollback", {"reason": "because"}),
        ("/v1/answer-stop", {"reason": "because"}),
        ("/v1/answer-stop/end", {"reason": "because"}),
        ("/v1/silences", {"ends_at": "2030-01-01T00:00:00Z", "reason": "because"}),
    ],
)
def test_a_reader_changes_nothing(reader: TestClient, path: str, body: dict[str, str]) -> None:
    answer = reader.post(path, json=body)
    assert answer.status_code == 403
    assert answer.json()["scope"] == "operate"


def test_an_operator_without_read_reads_nothing(anonymous: TestClient, session: Session) -> None:
    key = make_key(session, Scope.OPERATE)
    answer = anonymous.get("/v1/models", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("key", ["", "nonsense", "myco_abc_def", "myco__", "ü"])
def test_bad_keys_are_refused(anonymous: TestClient, key: str) -> None:
    answer = anonymous.get("/v1/models", headers={b"Authorization": f"Bearer {key}".encode()})
    assert answer.status_code == 401


def test_a_revoked_key_is_refused_at_once(anonymous: TestClient, session: Session) -> None:
    key = make_key(session)
    headers = {"Authorization": f"Bearer {key}"}
    assert anonymous.get("/v1/models", headers=headers).status_code == 200
    access.revoke(session, access.prefix_of(key))
    session.flush()
    answer = anonymous.get("/v1/models", headers=headers)
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


def test_the_cookie_reads_but_does_not_write(anonymous: TestClient, session: Session) -> None:
    model = make_model(session)
    anonymous.cookies.set("mycovigil_key", make_key(session))
    assert anonymous.get("/v1/models").json()["items"][0]["id"] == str(model.id)
    assert anonymous.post("/v1/retrain-jobs", json={"reason": "because"}).status_code == 401
