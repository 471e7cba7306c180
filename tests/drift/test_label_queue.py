"""The label queue over HTTP and as a page: what to label first, and how far the labels are."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from factories.incident import make_incident
from factories.key import make_key
from factories.label import make_labels
from factories.night import make_night, make_served, night_of
from factories.report import make_report
from factories.visitor import Visitor
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from mycovigil.access import Scope
from mycovigil.db.alert import Incident
from mycovigil.db.prediction import ChosenBy, Label, LabelRequest, Prediction
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob

REASONS = (ChosenBy.RANDOM, ChosenBy.RISK, ChosenBy.NOVEL_CLUSTER, ChosenBy.DISAGREEMENT)


@dataclass(frozen=True)
class Asked:
    """An incident whose job waits, and the photos that are asked about."""

    incident: Incident
    job: RetrainJob
    photos: Sequence[uuid.UUID]


@pytest.fixture
def asked(session: Session) -> Asked:
    served = make_served(session, rows=1)
    make_night(session, served, night_of(0), rows=60, image_key=None)
    report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
    incident = make_incident(session, report)
    job = RetrainJob(
        incident_id=incident.id, requested_by="alert", state="waiting_for_labels", parameters={},
        labels_needed=50, dangerous_needed=10,
    )  # fmt: skip
    session.add(job)
    photos = session.scalars(select(Prediction.id).order_by(Prediction.created_at).limit(4)).all()
    for position, (identifier, reason) in enumerate(zip(photos, REASONS, strict=True)):
        session.add(
            LabelRequest(
                prediction_id=identifier,
                chosen_by=reason,
                model_id=served.model.id,
                incident_id=incident.id,
                position=position,
            )
        )
    session.flush()
    return Asked(incident, job, photos)


def listed(client: TestClient, **query: str) -> list[str]:
    answer = client.get("/v1/label-queue", params=query)
    assert answer.status_code == 200, answer.text
    return [item["prediction_id"] for item in answer.json()["items"]]


def test_the_queue_says_what_to_label_first_and_where_it_goes(
    client: TestClient, asked: Asked
) -> None:
    document = client.get("/v1/label-queue").json()
    assert [item["chosen_by"] for item in document["items"]] == [reason.value for reason in REASONS]
    first = document["items"][0]
    assert first["label_at"] == f"/v1/predictions/{asked.photos[0]}/label"
    assert (first["photo"], first["client"]) == (None, "page")
    (progress,) = document["progress"]
    assert (progress["labelled"], progress["needed"], progress["job_id"]) == (
        0, 50, str(asked.job.id),
    )  # fmt: skip
    assert document["unanswered"] == 4
    assert len(listed(client, limit="1")) == 1
    assert listed(client, incident_id=str(uuid.uuid4())) == []
    assert client.get("/v1/label-queue", params={"limit": "0"}).status_code == 422


def test_labels_move_the_progress_and_leave_the_queue(
    client: TestClient, session: Session, asked: Asked
) -> None:
    make_labels(session, asked.photos[1:2], chosen_by=ChosenBy.RISK)
    make_labels(session, asked.photos[:1])
    assert listed(client) == [str(one) for one in (asked.photos[0], *asked.photos[2:])]
    progress = client.get("/v1/label-queue").json()["progress"][0]
    assert progress["labelled"] == 2, "a random one that was labelled unasked counts, and is asked"
    make_labels(session, asked.photos[:1], chosen_by=ChosenBy.RANDOM, by="another")
    assert listed(client) == [str(one) for one in asked.photos[2:]]


def test_without_photos_the_queue_says_what_it_cannot_offer(
    client: TestClient, session: Session, asked: Asked
) -> None:
    document = client.get("/v1/label-queue").json()
    assert document["photos_kept"] is False
    assert "it cannot show the photos" in document["note"]
    page = client.get("/label-queue")
    assert page.status_code == 200
    assert document["note"] in page.text
    assert "0 of 50" in page.text
    kept = f"photos/{'a' * 2}/{'a' * 64}.jpg"
    session.execute(update(Prediction).values(image_key=kept, image_sha256="a" * 64))
    document = client.get("/v1/label-queue").json()
    assert document["note"] == ""
    assert document["items"][0]["photo"] == f"/v1/photos/{'a' * 64}"
    assert f'src="/photos/{"a" * 64}"' in client.get("/label-queue").text


def test_photos_whose_rows_are_deleted_are_no_longer_asked_about(
    client: TestClient, session: Session, asked: Asked
) -> None:
    session.execute(delete(Prediction).where(Prediction.id == asked.photos[0]))
    assert listed(client) == [str(one) for one in asked.photos[1:]]


def test_an_incident_that_is_over_asks_for_nothing(
    client: TestClient, session: Session, asked: Asked
) -> None:
    client.post(f"/v1/incidents/{asked.incident.id}/resolve", json={"resolution": "lens cleaned"})
    document = client.get("/v1/label-queue").json()
    assert (document["items"], document["progress"]) == ([], [])
    assert "Nothing to label" in client.get("/label-queue").text


def test_an_incident_shows_how_it_can_end(client: TestClient, asked: Asked, app: FastAPI) -> None:
    page = client.get(f"/incidents/{asked.incident.id}").text
    assert "How it can end" in page
    assert "Retrain waiting for labels" in page
    assert f"/label-queue?incident_id={asked.incident.id}" in page
    job = client.get(f"/retrain-jobs/{asked.job.id}").text
    assert "0 of 50" in job


def test_a_photo_is_labelled_on_the_page_and_only_then_the_model_is_heard(
    anonymous: TestClient, session: Session, asked: Asked
) -> None:
    session.execute(update(Prediction).values(label="poisonous", verdict="avoid"))
    visitor = Visitor(anonymous, make_key(session))
    page = visitor.looks("/label-queue").text
    assert "The model:" not in page
    assert page.count('name="label" value="deadly"') == 4
    answer = visitor.sends(f"/label-queue/{asked.photos[0]}", label="deadly", confidence="probable")
    assert answer.headers["location"] == f"/label-queue?labelled={asked.photos[0]}"
    label = session.scalars(select(Label)).one()
    assert (label.label, label.confidence, label.labelled_by, label.chosen_by) == (
        "deadly", "probable", "tester", ChosenBy.RANDOM,
    )  # fmt: skip
    page = visitor.looks(answer.headers["location"]).text
    assert "The model says otherwise" in page
    assert "You: deadly (probable). The model: poisonous; it advised “avoid”." in page
    visitor.sends(f"/label-queue/{asked.photos[0]}", label="poisonous")
    session.expire_all()
    assert session.scalars(select(Label.label)).all() == ["poisonous"]
    assert "The model agrees" in visitor.looks(answer.headers["location"]).text
    assert listed(anonymous) == [str(one) for one in asked.photos[1:]]


def test_labels_that_the_page_does_not_take(
    anonymous: TestClient, session: Session, asked: Asked
) -> None:
    visitor = Visitor(anonymous, make_key(session, Scope.READ))
    assert 'name="label"' not in visitor.looks("/label-queue").text
    assert visitor.sends(f"/label-queue/{asked.photos[0]}", label="deadly").status_code == 403
    visitor = Visitor(anonymous, make_key(session, Scope.READ, Scope.LABEL))
    assert visitor.sends(f"/label-queue/{asked.photos[0]}", label="tasty").status_code == 422
    assert visitor.sends(f"/label-queue/{uuid.uuid4()}", label="deadly").status_code == 404
    session.execute(delete(Prediction).where(Prediction.id == asked.photos[1]))
    assert visitor.sends(f"/label-queue/{asked.photos[1]}", label="deadly").status_code == 410
    assert visitor.looks(f"/label-queue?labelled={asked.photos[0]}").status_code == 200
    assert session.scalars(select(Label)).all() == []
