"""The emergency stop over HTTP: one in force at a time, each act in the audit trail."""

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
