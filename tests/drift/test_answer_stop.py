"""The emergency stop over HTTP: one in force at a time, each act in the audit trail."""

import pytest
from fastapi.testclient import TestClient

PATH = "/v1/answer-stop"
REASON = {"reason": "deadly photos were called edible"}


def test_a_stop_begins_once_and_ends(client: TestClient) -> None:
    assert client.get(PATH).json() == {"stopped": False, "stop": None}
    first = client.post(PATH, json=REASON)
    assert first.status_code == 201
    second = client.post(PATH, json={"reason": "I saw it too"})
    assert second.json()["id"] == first.json()["id"]
    assert client.get(PATH).json()["stop"]["reason"] == REASON["reason"]
    ended = client.post(f"{PATH}/end", json={"reason": "rolled back"}).json()
    assert ended["ended_reason"] == "rolled back"
    assert ended["ended_at"] is not None
    assert client.get(PATH).json()["stopped"] is False
    lines = client.get("/v1/audit", params={"subject_id": ended["id"]}).json()["items"]
    assert [line["action"] for line in lines] == [
        "let answers go on",
        "stopped all answers",
        "stopped all answers",
    ]


def test_nothing_to_end_is_409(client: TestClient) -> None:
    answer = client.post(f"{PATH}/end", json={"reason": "rolled back"})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/not-stopped")


def test_a_stop_needs_a_reason(client: TestClient) -> None:
    assert client.post(PATH, json={}).status_code == 422


@pytest.mark.parametrize(
    "path", [PATH, f"{PATH}/end", "/v1/models/rollback", "/v1/retrain-jobs", "/v1/silences"]
)
def test_blanks_are_no_reason(client: TestClient, path: str) -> None:
    ends = {"ends_at": "2099-01-01T00:00:00Z"} if path.endswith("silences") else {}
    for blank in ("", "  ", " \n\t ", " ab ", "x" * 501):
        answer = client.post(path, json={"reason": blank, **ends})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["body.reason"]


def test_blanks_around_a_reason_are_not_kept(client: TestClient) -> None:
    answer = client.post(PATH, json={"reason": "  deadly photos \n"})
    assert answer.json()["reason"] == "deadly photos"
