"""Alerts, incidents and silences over HTTP."""

import datetime
import uuid

import pytest
from factories.incident import alert_of, make_incident
from factories.model import make_model
from factories.reference_set import make_reference_set
from factories.report import make_report
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, Incident
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import ModelStatus
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil.incidents import alert
from mycovigil.models.safety import CertificateStatus


@pytest.fixture
def incident(session: Session) -> Incident:
    model = make_model(session, version="autumn")
    reference = make_reference_set(session, model)
    report = make_report(
        session, model, reference, verdict=ReportVerdict.DRIFT, p_value=1e-4, cause="novel_species"
    )
    return make_incident(session, report)


def _events(session: Session) -> list[str]:
    rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at)).all()
    return [row.event["type"].rsplit(".", 1)[1] for row in rows]


def test_an_alert_is_acknowledged_once(
    client: TestClient, session: Session, incident: Incident
) -> None:
    alert = alert_of(session, incident)
    first = client.post(f"/v1/alerts/{alert.id}/acknowledge")
    assert first.status_code == 200
    assert (first.json()["state"], first.json()["acknowledged_by"]) == ("acknowledged", "tester")
    again = client.post(f"/v1/alerts/{alert.id}/acknowledge").json()
    assert again["acknowledged_at"] == first.json()["acknowledged_at"]


def test_resolving_restores_the_certificate_and_tells_the_world(
    client: TestClient, session: Session, incident: Incident
) -> None:
    alert = alert_of(session, incident)
    model_path = f"/v1/models/{incident.model_id}"
    assert client.get(model_path).json()["certificate_state"] == CertificateStatus.SUSPECT
    answer = client.post(f"/v1/alerts/{alert.id}/resolve", json={"resolution": "lens cleaned"})
    assert answer.json()["resolution"] == "lens cleaned (tester)"
    assert client.get(model_path).json()["certificate_state"] == CertificateStatus.VALID
    assert _events(session) == ["opened", "resolved"]
    again = client.post(f"/v1/alerts/{alert.id}/resolve", json={"resolution": "lens cleaned"})
    assert again.status_code == 409
    assert again.json()["type"].endswith("/incident-resolved")
    assert client.post(f"/v1/alerts/{alert.id}/acknowledge").status_code == 409
    assert _events(session) == ["opened", "resolved"]


def test_an_incident_from_before_days_were_compared_does_not_end_by_calm(
    client: TestClient, session: Session, incident: Incident
) -> None:
    opening = session.get_one(DriftReport, incident.report_id)
    assert opening.baseline_id is None
    page = client.get(f"/incidents/{incident.id}", headers={"accept": "text/html"}).text
    assert "Not by calm" in page
    assert "no night enters the baseline" in page


def test_a_drift_that_another_model_took_over_is_listed_for_both(
    client: TestClient, session: Session, incident: Incident
) -> None:
    other = make_model(session, version="winter")
    incident.model_id = other.id
    session.flush()
    for version in ("autumn", "winter"):
        listed = client.get("/v1/incidents", params={"model": version}).json()["items"]
        assert [one["id"] for one in listed] == [str(incident.id)]


def test_alerts_are_listed_by_kind_and_incident(
    client: TestClient, session: Session, incident: Incident
) -> None:
    client.post(f"/v1/incidents/{incident.id}/resolve", json={"resolution": "lens cleaned"})
    resolved = client.get("/v1/alerts", params={"kind": "resolved"}).json()["items"]
    assert [alert["kind"] for alert in resolved] == ["resolved"]
    both = client.get("/v1/alerts", params={"incident_id": str(incident.id)}).json()["items"]
    assert {alert["kind"] for alert in both} == {"opened", "resolved"}
    assert client.get(f"/v1/alerts/{both[0]['id']}").json() == both[0]


def test_an_incident_tells_what_followed(
    client: TestClient, session: Session, incident: Incident
) -> None:
    job = RetrainJob(incident_id=incident.id, requested_by="trigger", state="queued", parameters={})
    session.add(job)
    session.flush()
    story = client.get(f"/v1/incidents/{incident.id}").json()
    assert story["retrain_job"]["id"] == str(job.id)
    assert [event["data"]["kind"] for event in story["events"]] == ["opened"]
    assert story["alerts"][0]["event_id"] == story["events"][0]["id"]
    assert story["severity"] == "critical"
    listed = client.get("/v1/incidents", params={"state": "open", "model": "autumn"}).json()
    assert [item["id"] for item in listed["items"]] == [str(incident.id)]
    assert client.get("/v1/incidents", params={"state": "resolved"}).json()["items"] == []


def test_unknown_ones_are_404(client: TestClient) -> None:
    nobody = uuid.uuid4()
    assert client.get(f"/v1/alerts/{nobody}").status_code == 404
    assert client.get(f"/v1/incidents/{nobody}").status_code == 404
    assert client.post(f"/v1/alerts/{nobody}/acknowledge").status_code == 404
    assert client.post(f"/v1/incidents/{nobody}/acknowledge").status_code == 404
    body = {"resolution": "lens cleaned"}
    assert client.post(f"/v1/alerts/{nobody}/resolve", json=body).status_code == 404
    assert client.delete(f"/v1/silences/{nobody}").status_code == 404
    assert client.get(f"/v1/silences/{nobody}").status_code == 404


def _later(hours: float) -> str:
    return (datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=hours)).isoformat()


def test_a_silence_holds_alerts_back_until_it_is_ended(
    client: TestClient, session: Session
) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    body = {"model_id": str(model.id), "ends_at": _later(2), "reason": "moving house"}
    made = client.post("/v1/silences", json=body)
    assert made.status_code == 201
    report = make_report(session, model, reference, verdict=ReportVerdict.DRIFT)
    incident = make_incident(session, report)
    assert alert_of(session, incident).event_id is None
    assert _events(session) == []
    place = made.headers["location"]
    assert [s["id"] for s in client.get("/v1/silences?active=true").json()["items"]] == [
        made.json()["id"]
    ]
    assert client.delete(place).status_code == 204
    assert client.get("/v1/silences?active=true").json()["items"] == []
    assert client.get(place).json()["reason"] == "moving house"
    client.post(f"/v1/incidents/{incident.id}/resolve", json={"resolution": "lens cleaned"})
    assert _events(session) == ["resolved"]
    assert len(session.scalars(select(Alert)).all()) == 2


@pytest.mark.parametrize(
    ("start", "end", "slug"),
    [(3, 2, "silence-reversed"), (-3, -2, "silence-over")],
)
def test_impossible_silences_are_refused(
    client: TestClient, start: float, end: float, slug: str
) -> None:
    body = {"starts_at": _later(start), "ends_at": _later(end), "reason": "moving house"}
    answer = client.post("/v1/silences", json=body)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(f"/{slug}")


def test_a_silence_of_an_unknown_model_is_404(client: TestClient) -> None:
    body = {"model_id": str(uuid.uuid4()), "ends_at": _later(2), "reason": "moving house"}
    assert client.post("/v1/silences", json=body).status_code == 404


def test_an_alert_of_a_failed_night_belongs_to_no_incident(
    client: TestClient, session: Session
) -> None:
    model = make_model(session, status=ModelStatus.PRODUCTION)
    report = make_report(session, model, None, verdict=ReportVerdict.FAILED, failures=4)
    found = alert.publish_failed_night(session, model, report)
    (listed,) = client.get("/v1/alerts", params={"kind": "night_failed"}).json()["items"]
    assert (listed["id"], listed["incident_id"], listed["report_id"]) == (
        str(found.id),
        None,
        str(report.id),
    )
    refused = client.post(f"/v1/alerts/{found.id}/acknowledge")
    assert (refused.status_code, refused.json()["type"].endswith("/no-incident")) == (409, True)
    page = client.get("/alerts", params={"kind": "night_failed"})
    assert f'href="/reports/{report.id}"' in page.text


def test_a_new_normal_is_accepted_once_and_by_one_person(
    client: TestClient, session: Session, incident: Incident
) -> None:
    place = f"/v1/incidents/{incident.id}/accept"
    assert client.post(place, json={"reason": ""}).status_code == 422
    accepted = client.post(place, json={"reason": "a club joined"})
    assert accepted.status_code == 200
    document = accepted.json()
    assert (document["state"], document["ended_by"], document["kind"]) == (
        "resolved", "accepted", "drift",
    )  # fmt: skip
    late = client.post(place, json={"reason": "another reason"})
    assert (late.status_code, late.json()["type"].rsplit("/", 1)[1]) == (409, "incident-resolved")
    assert "new normal accepted by tester: a club joined" in late.json()["detail"]
    session.expire_all()
    assert incident.resolution == "new normal accepted by tester: a club joined"
    lines = client.get("/v1/audit", params={"subject_id": str(incident.id)}).json()["items"]
    assert [(line["who"], line["action"]) for line in lines] == [
        ("tester", "accepted the new normal")
    ]


def test_a_season_that_nobody_knows_is_no_normal(
    client: TestClient, session: Session, incident: Incident
) -> None:
    body = {"reason": "it is October", "days": "season"}
    answer = client.post(f"/v1/incidents/{incident.id}/accept", json=body)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "season-unknown")
    assert answer.json()["detail"].startswith("Fewer than 3 accepted days of earlier years")
    session.expire_all()
    assert incident.state == "open"


def test_a_key_that_may_only_read_accepts_nothing(
    reader: TestClient, session: Session, incident: Incident
) -> None:
    answer = reader.post(f"/v1/incidents/{incident.id}/accept", json={"reason": "a club joined"})
    assert answer.status_code == 403


def test_a_skew_is_no_new_normal(client: TestClient, session: Session, incident: Incident) -> None:
    incident.kind = "skew"
    session.flush()
    answer = client.post(f"/v1/incidents/{incident.id}/accept", json={"reason": "a club joined"})
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "not-a-drift")
