"""Models, the gate, retrain jobs and reference sets over HTTP."""

import uuid

import pytest
from factories.incident import make_incident
from factories.model import make_model
from factories.reference_set import make_reference_set
from factories.report import make_report
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import ReportVerdict


def _candidate(session: Session, production: Model, *, passed: bool = True) -> Model:
    gate = {"against": str(production.id), "passed": passed, "reason": "no more misses"}
    return make_model(
        session,
        parent_id=production.id,
        encoder_id=production.encoder_id,
        version="candidate",
        metrics={"gate": gate},
    )


def test_the_first_model_goes_live_without_a_comparison(
    client: TestClient, session: Session
) -> None:
    model = make_model(session)
    answer = client.post(f"/v1/models/{model.id}/promote")
    assert (answer.json()["decision"], answer.json()["decided_by"]) == ("initial", "tester")


def test_a_model_promoted_by_hand_takes_over_the_old_models_incident(
    client: TestClient, session: Session
) -> None:
    old = make_model(session, version="old", status=ModelStatus.PRODUCTION)
    reference = make_reference_set(session, old)
    report = make_report(session, old, reference, verdict=ReportVerdict.DRIFT)
    incident = make_incident(session, report)
    candidate = _candidate(session, old)
    answer = client.post(f"/v1/models/{candidate.id}/promote")
    assert (answer.json()["decision"], answer.json()["replaced_id"]) == ("passed", str(old.id))
    story = client.get(f"/v1/incidents/{incident.id}").json()
    assert (story["state"], story["model_id"]) == ("open", str(candidate.id))
    page = client.get(f"/incidents/{incident.id}", headers={"accept": "text/html"}).text
    assert "did not learn from labels of these days, so the drift goes on." in page
    assert "its retrain is made anew, to be compared with this model" in page
    live = client.get("/v1/models", params={"status": "production"}).json()["items"]
    assert [model["version"] for model in live] == ["candidate"]


def test_a_closed_gate_is_409_and_changes_nothing(client: TestClient, session: Session) -> None:
    old = make_model(session, version="old", status=ModelStatus.PRODUCTION)
    for candidate in (
        _candidate(session, old, passed=False),
        make_model(session, version="never compared"),
        old,
    ):
        answer = client.post(f"/v1/models/{candidate.id}/promote")
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("/gate-closed")
    assert client.get(f"/v1/models/{old.id}").json()["status"] == "production"
    assert client.get(f"/v1/models/{old.id}/promotions").json() == []


def test_rollback_brings_the_earlier_model_back(client: TestClient, session: Session) -> None:
    old = make_model(session, version="old", status=ModelStatus.PRODUCTION)
    candidate = _candidate(session, old)
    client.post(f"/v1/models/{candidate.id}/promote")
    answer = client.post("/v1/models/rollback", json={"reason": "too many refusals"})
    assert answer.json()["decision"] == "rollback"
    assert answer.json()["evidence"] == {"reason": "too many refusals"}
    assert client.get(f"/v1/models/{old.id}").json()["status"] == "production"
    story = client.get(f"/v1/models/{candidate.id}/promotions").json()
    assert [decision["decision"] for decision in story] == ["rollback", "passed"]


def test_a_model_that_once_passed_comes_back(client: TestClient, session: Session) -> None:
    old = make_model(session, version="old", status=ModelStatus.PRODUCTION)
    candidate = _candidate(session, old)
    client.post(f"/v1/models/{candidate.id}/promote")
    client.post("/v1/models/rollback", json={"reason": "too many refusals"})
    path = f"/v1/models/{candidate.id}/bring-back"
    assert client.post(path, json={}).status_code == 422
    answer = client.post(path, json={"reason": "a mistake"})
    assert (answer.status_code, answer.json()["decision"]) == (200, "rollback")
    assert client.get(f"/v1/models/{candidate.id}").json()["status"] == "production"
    for other, code in ((old.id, 409), (uuid.uuid4(), 404)):
        refused = client.post(f"/v1/models/{other}/bring-back", json={"reason": "that one"})
        assert refused.status_code == code, refused.text


def test_there_may_be_nothing_to_roll_back_to(client: TestClient, session: Session) -> None:
    assert client.post("/v1/models/rollback", json={"reason": "panic"}).status_code == 409
    make_model(session, status=ModelStatus.PRODUCTION)
    assert client.post("/v1/models/rollback", json={"reason": "panic"}).status_code == 409
    assert client.post("/v1/models/rollback", json={}).status_code == 422


def test_unknown_models_are_404(client: TestClient) -> None:
    nobody = uuid.uuid4()
    assert client.get(f"/v1/models/{nobody}").status_code == 404
    assert client.get(f"/v1/models/{nobody}/promotions").status_code == 404
    assert client.post(f"/v1/models/{nobody}/promote").status_code == 404
    assert client.post("/v1/models/seven/promote").status_code == 422


def test_a_person_may_ask_for_one_retrain_at_a_time(client: TestClient, session: Session) -> None:
    made = client.post("/v1/retrain-jobs", json={"reason": "a new season"})
    assert made.status_code == 202
    assert (made.json()["state"], made.json()["incident_id"]) == ("queued", None)
    assert made.json()["parameters"] == {"reason": "a new season"}
    again = client.post("/v1/retrain-jobs", json={"reason": "a new season"})
    assert (again.status_code, again.json()["job_id"]) == (409, made.json()["id"])
    assert client.get(made.headers["location"]).json() == made.json()
    listed = client.get("/v1/retrain-jobs", params={"state": "queued"}).json()["items"]
    assert listed == [made.json()]
    assert client.get("/v1/retrain-jobs", params={"state": "failed"}).json()["items"] == []
    assert client.get(f"/v1/retrain-jobs/{uuid.uuid4()}").status_code == 404


def test_a_retrain_is_cancelled_once(client: TestClient, session: Session) -> None:
    job = client.post("/v1/retrain-jobs", json={"reason": "a new season"}).json()
    path = f"/v1/retrain-jobs/{job['id']}/cancel"
    assert client.post(path, json={}).status_code == 422
    cancelled = client.post(path, json={"reason": "wrong labels"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["finished_at"] is not None
    again = client.post(path, json={"reason": "wrong labels"})
    assert (again.status_code, again.json()["type"].rsplit("/")[-1]) == (409, "retrain-ended")
    nobody = f"/v1/retrain-jobs/{uuid.uuid4()}/cancel"
    assert client.post(nobody, json={"reason": "wrong labels"}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"rason": "typo"}])
def test_a_retrain_needs_a_reason(client: TestClient, body: dict[str, str]) -> None:
    answer = client.post("/v1/retrain-jobs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("body.")


def test_reference_sets_of_a_model(client: TestClient, session: Session) -> None:
    model, other = make_model(session), make_model(session)
    found = make_reference_set(session, model)
    make_reference_set(session, other)
    assert len(client.get("/v1/reference-sets").json()["items"]) == 2
    listed = client.get("/v1/reference-sets", params={"model": model.version}).json()["items"]
    assert [item["id"] for item in listed] == [str(found.id)]
    assert client.get(f"/v1/reference-sets/{found.id}").json() == listed[0]
    assert client.get(f"/v1/reference-sets/{uuid.uuid4()}").status_code == 404
