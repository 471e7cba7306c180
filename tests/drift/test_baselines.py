"""Baselines over HTTP and as a page: days listed, one withdrawn, a skew accepted."""

import uuid

import pytest
from factories.accepted_days import make_accepted_days
from factories.key import make_key
from factories.model import make_model
from factories.report import FIRST_NIGHT, make_reference_set, make_report
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.baseline import Baseline
from mycovigil.db.model import ModelStatus
from mycovigil.incidents import skew

UNKNOWN = uuid.UUID(int=7)
SKEW = {"auc": 0.9, "novel": 0.2, "training_set": "abc", "large": True}


@pytest.fixture
def baseline(session: Session) -> Baseline:
    model = make_model(session, status=ModelStatus.PRODUCTION)
    reference = make_reference_set(session, model)
    return make_accepted_days(session, model, reference, FIRST_NIGHT)


@pytest.fixture
def skewed(session: Session) -> Incident:
    model = make_model(session, status=ModelStatus.PRODUCTION)
    report = make_report(
        session, model, make_reference_set(session, model), evidence={"skew": SKEW}
    )
    skew.respond(session, model, report)
    return session.query(Incident).one()


def test_the_current_baseline_lists_its_days_with_outliers(
    reader: TestClient, baseline: Baseline
) -> None:
    (found,) = reader.get("/v1/baselines", params={"current": True}).json()["items"]
    assert (found["id"], found["days"], found["learning"]) == (str(baseline.id), 6, None)
    assert found["standing_since"]
    days = reader.get(f"/v1/baselines/{baseline.id}").json()["listed"]
    assert [day["outlier"] for day in days] == [False, True, False, False, False, False]
    assert days[0]["rule"] == "one of the first days"
    assert (days[0]["photos"], days[0]["units"]) == (300, 200)
    assert reader.get("/v1/baselines", params={"current": False}).json()["items"] == []


def test_a_day_is_withdrawn_once_with_a_reason(client: TestClient, baseline: Baseline) -> None:
    path = f"/v1/baselines/{baseline.id}/withdraw"
    body = {"day_start": FIRST_NIGHT.isoformat(), "reason": "a school class"}
    assert client.post(path, json=body).json()["withdrawn_by"] == "tester"
    again = client.post(path, json=body)
    assert (again.status_code, "a school class" in again.json()["detail"]) == (409, True)
    other = client.post(path, json=body | {"day_start": "2020-01-01T00:00:00Z"})
    assert other.status_code == 404
    assert client.get(f"/v1/baselines/{baseline.id}").json()["days"] == 5
    assert client.post(f"/v1/baselines/{UNKNOWN}/withdraw", json=body).status_code == 404
    assert client.post(path, json=body | {"reason": ""}).status_code == 422


def test_a_key_that_may_read_withdraws_nothing(reader: TestClient, baseline: Baseline) -> None:
    body = {"day_start": FIRST_NIGHT.isoformat(), "reason": "a school class"}
    assert reader.post(f"/v1/baselines/{baseline.id}/withdraw", json=body).status_code == 403


def test_a_skew_is_accepted_with_a_note_and_ends(client: TestClient, skewed: Incident) -> None:
    path = f"/v1/incidents/{skewed.id}/accept-skew"
    assert client.post(path, json={"note": ""}).status_code == 422
    found = client.post(path, json={"note": "phones, not cameras"}).json()
    assert (found["accepted_by"], found["training_set_hash"]) == ("tester", "abc")
    assert client.post(path, json={"note": "once more"}).status_code == 409
    assert client.get("/v1/incidents").json()["items"][0]["state"] == "resolved"


def test_the_page_of_a_skew_says_that_nothing_is_retrained(
    reader: TestClient, skewed: Incident
) -> None:
    page = reader.get(f"/incidents/{skewed.id}", headers={"Accept": "text/html"}).text
    assert "Nothing is retrained for a skew." in page
    assert "held back" not in page


def test_a_drift_is_no_skew(client: TestClient, session: Session, skewed: Incident) -> None:
    skewed.kind = "drift"
    session.flush()
    answer = client.post(f"/v1/incidents/{skewed.id}/accept-skew", json={"note": "fine by me"})
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "not-a-skew")


def test_the_page_withdraws_a_day(
    anonymous: TestClient, session: Session, baseline: Baseline
) -> None:
    visitor = Visitor(anonymous, make_key(session))
    page = visitor.looks("/baseline").text
    assert "outlier" in page
    assert "did not page, no open incident" in page
    sent = visitor.sends(
        f"/baseline/{baseline.id}/withdraw", day_start=FIRST_NIGHT.isoformat(), reason="a class"
    )
    assert (sent.status_code, sent.headers["location"]) == (303, f"/baseline/{baseline.id}")
    assert "tester: a class" in visitor.looks(f"/baseline/{baseline.id}").text
    assert visitor.looks(f"/baseline/{UNKNOWN}").status_code == 404


def test_the_page_says_so_where_there_is_no_baseline(reader: TestClient) -> None:
    assert "No baseline yet" in reader.get("/baseline", headers={"Accept": "text/html"}).text
