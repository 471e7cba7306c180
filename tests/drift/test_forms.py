"""Forms that act: who may send them, what they do, and the line that each leaves behind."""

import datetime
import uuid

import pytest
from factories.gate_evidence import gate_evidence
from factories.incident import make_incident
from factories.key import make_key
from factories.model import make_model
from factories.report import make_reference_set, make_report
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.access import Scope
from mycovigil.db.alert import Incident, Silence
from mycovigil.db.audit import AuditLine
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import ReportRequest, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil.models import promotion

UNKNOWN = uuid.UUID(int=7)


@pytest.fixture
def visitor(anonymous: TestClient, session: Session) -> Visitor:
    """Logged in with a key that may do everything, named "tester"."""
    return Visitor(anonymous, make_key(session))


@pytest.fixture
def incident(session: Session) -> Incident:
    model = make_model(session, status=ModelStatus.PRODUCTION)
    reference = make_reference_set(session, model)
    return make_incident(
        session, make_report(session, model, reference, verdict=ReportVerdict.DRIFT)
    )


def _lines(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(AuditLine).order_by(AuditLine.created_at, AuditLine.id))
    return [(row.who, row.action, row.detail) for row in rows if row.who == "tester"]


def test_the_gates_evidence_is_a_table_of_bounds(visitor: Visitor, session: Session) -> None:
    first = make_model(session, version="first", status=ModelStatus.PRODUCTION)
    gate = gate_evidence(str(first.id), version="first", missed=9)
    refused = make_model(session, encoder=None, metrics={"gate": gate})
    page = visitor.looks(f"/models/{refused.id}").text
    assert "Against production, first" in page
    assert "deadly specimens missed" in page
    assert "9 by it only, 0 by the other only" in page
    assert "not shown about deadly specimens missed" in page
    assert "of 200 harmful specimens it misses 9, production 0" in page
    few = gate_evidence(str(first.id), version="first", specimens=120)
    page = visitor.looks(f"/models/{make_model(session, metrics={'gate': few}).id}").text
    assert "of 180 needed" in page
    assert "120 are held out and 180 are needed at least, 60 more" in page
    old = {"against": str(first.id), "passed": True, "reason": "No more misses.", "photos": 412}
    page = visitor.looks(f"/models/{make_model(session, metrics={'gate': old}).id}").text
    assert "No more misses." in page
    assert "412" in page


def test_a_models_page_shows_its_card(visitor: Visitor, session: Session) -> None:
    card = {
        "intended_use": "To warn.",
        "hazards": ["It never saw a <death cap>."],
        "out_of_fold": {
            "photos": 1200,
            "specimens": 300,
            "macro_recall": 0.5,
            "deadly_recall": 0.25,
            "poison_cost": 12.5,
        },
        "deadly_unseen": ["amanita phalloides"],
        "species": {"deadly": {"galerina marginata": 9}, "edible": {}},
        "content_hash": "ab" * 32,
        "git_revision": "",
        "seed": 7,
    }
    model = make_model(session, metrics={"card": card})
    session.commit()
    page = visitor.looks(f"/models/{model.id}").text
    assert "never saw a &lt;death cap&gt;" in page
    assert "1,200 photos of 300 specimens: macro recall 50%" in page
    assert "Deadly: 1 species known" in page
    assert "amanita phalloides" in page


def test_acknowledge_and_resolve(visitor: Visitor, session: Session, incident: Incident) -> None:
    page = visitor.looks(f"/incidents/{incident.id}").text
    assert f'action="/incidents/{incident.id}/acknowledge"' in page
    answer = visitor.sends(f"/incidents/{incident.id}/acknowledge")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident.id}")
    after = visitor.looks(answer.headers["location"]).text
    assert "Noted: you are looking at it." in after
    assert "Noted" not in visitor.looks(answer.headers["location"]).text
    visitor.sends(f"/incidents/{incident.id}/resolve", resolution="lens cleaned")
    session.refresh(incident)
    assert (incident.state, incident.resolution) == ("resolved", "lens cleaned (tester)")
    assert _lines(session) == [
        ("tester", "acknowledged", ""),
        ("tester", "resolved", "lens cleaned"),
    ]
    again = visitor.sends(f"/incidents/{incident.id}/resolve", resolution="lens cleaned")
    assert again.status_code == 409
    assert "is resolved already" in again.text


def test_accept_the_new_normal(visitor: Visitor, session: Session, incident: Incident) -> None:
    place = f"/incidents/{incident.id}"
    assert f'action="{place}/accept"' in visitor.looks(place).text
    unknown = visitor.sends(f"{place}/accept", reason="it is October", days="season")
    assert unknown.status_code == 409
    assert "accept the incident" in unknown.text
    answer = visitor.sends(f"{place}/accept", reason="a club joined", days="incident")
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    after = visitor.looks(place).text
    assert "Accepted: nights are compared with other days from now on." in after
    assert "accepted as the new normal" in after
    assert _lines(session) == [("tester", "accepted the new normal", "a club joined")]
    assert visitor.sends(f"{place}/accept", reason="me too").status_code == 409


def test_silence_and_its_end(visitor: Visitor, session: Session, incident: Incident) -> None:
    answer = visitor.sends("/silences", model_id=incident.model_id, hours=2, reason="a new lens")
    assert answer.headers["location"] == "/silences"
    silence = session.scalars(select(Silence)).one()
    assert (silence.model_id, silence.created_by) == (incident.model_id, "tester")
    assert "in force" in visitor.looks("/silences").text
    assert "silenced" in visitor.looks("/").text
    visitor.sends(f"/silences/{silence.id}/end")
    assert "in force</span>" not in visitor.looks("/silences").text
    visitor.sends("/silences", model_id="", hours=1, reason="all of them")
    assert [action for _, action, _ in _lines(session)] == [
        "silenced",
        "ended the silence",
        "silenced",
    ]


def test_retrain_now(visitor: Visitor, session: Session) -> None:
    answer = visitor.sends("/retrain-jobs", reason="many new labels")
    job = session.scalars(select(RetrainJob)).one()
    assert answer.headers["location"] == f"/retrain-jobs/{job.id}"
    assert visitor.sends("/retrain-jobs", reason="and again").status_code == 409
    assert _lines(session) == [("tester", "asked for a retrain", "many new labels")]


def test_a_retrain_on_vertex_is_linked_and_cancelled(visitor: Visitor, session: Session) -> None:
    visitor.sends("/retrain-jobs", reason="many new labels")
    job = session.scalars(select(RetrainJob)).one()
    job.remote_job = "projects/a-project/locations/europe-west1/customJobs/42"
    session.flush()
    page = visitor.looks(f"/retrain-jobs/{job.id}").text
    assert "/vertex-ai/locations/europe-west1/training/42?project=a-project" in page
    assert "logs/query;query=" in page
    assert "Cancel the retrain" in page
    visitor.sends(f"/retrain-jobs/{job.id}/cancel", reason="wrong labels")
    session.refresh(job)
    assert (job.state, job.trainings) == ("cancelled", 1)
    assert "Cancel the retrain" not in visitor.looks(f"/retrain-jobs/{job.id}").text
    assert _lines(session)[-1] == ("tester", "cancelled", "wrong labels")


def test_promote_and_roll_back(visitor: Visitor, session: Session) -> None:
    first = make_model(session)
    promotion.promote(session, first.id, decided_by="cli")
    gate = {"against": str(first.id), "passed": True, "reason": "no more misses"}
    second = make_model(session, encoder=None, metrics={"gate": gate})
    assert visitor.sends(f"/models/{second.id}/promote").status_code == 303
    session.refresh(second)
    assert second.status == ModelStatus.PRODUCTION
    visitor.sends("/models/rollback", reason="it misses deadly photos")
    session.refresh(first)
    assert first.status == ModelStatus.PRODUCTION
    assert [action for _, action, _ in _lines(session)] == ["passed", "rollback"]


def test_a_model_is_brought_back(visitor: Visitor, session: Session) -> None:
    first = make_model(session)
    promotion.promote(session, first.id, decided_by="cli")
    gate = {"against": str(first.id), "passed": True, "reason": "no more misses"}
    second = make_model(session, encoder=None, metrics={"gate": gate})
    assert "/bring-back" not in visitor.looks(f"/models/{second.id}").text
    promotion.promote(session, second.id, decided_by="cli")
    promotion.rollback(session, decided_by="cli", reason="by mistake")
    assert f'action="/models/{second.id}/bring-back"' in visitor.looks(f"/models/{second.id}").text
    visitor.sends(f"/models/{second.id}/bring-back", reason="it was a mistake")
    session.refresh(second)
    assert second.status == ModelStatus.PRODUCTION


def test_all_answers_are_stopped_and_go_on(visitor: Visitor, session: Session) -> None:
    assert "Stop all answers" in visitor.looks("/").text
    visitor.sends("/answer-stop", reason="deadly photos were called edible")
    page = visitor.looks("/models").text
    assert "All answers are stopped" in page
    assert "deadly photos were called edible" in page
    visitor.sends("/answer-stop/end", reason="the bad model was rolled back")
    assert "All answers are stopped" not in visitor.looks("/").text
    assert visitor.sends("/answer-stop/end", reason="once more").status_code == 409
    assert [action for _, action, _ in _lines(session)] == [
        "stopped all answers",
        "let answers go on",
    ]


def test_the_gate_refuses_in_words(visitor: Visitor, session: Session) -> None:
    promotion.promote(session, make_model(session).id, decided_by="cli")
    untested = make_model(session)
    answer = visitor.sends(f"/models/{untested.id}/promote")
    assert answer.status_code == 409
    assert "was not compared with production model" in answer.text


def test_judge_a_window_now(visitor: Visitor, session: Session) -> None:
    model = make_model(session)
    window = {"since": "2026-09-01T00:00", "until": "2026-09-02T00:00"}
    assert visitor.sends("/reports", model_id=model.id, **window).status_code == 303
    row = session.scalars(select(ReportRequest)).one()
    assert row.window_start == datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
    reversed_ = {"since": "2026-09-02T00:00", "until": "2026-09-01T00:00"}
    assert visitor.sends("/reports", model_id=model.id, **reversed_).status_code == 422


def test_a_certificate_keeps_its_history(
    visitor: Visitor, session: Session, incident: Incident
) -> None:
    visitor.sends(f"/incidents/{incident.id}/resolve", resolution="lens cleaned")
    page = visitor.looks(f"/models/{incident.model_id}").text
    history = page[page.index("Its history") :]
    assert history.index("valid") < history.index("suspect")
    model = session.get_one(Model, incident.model_id)
    session.refresh(model)
    assert model.certificate_state == "valid"


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({}, {}, 403),
        ({"token": "0" * 64}, {}, 403),
        ({"token": "ü"}, {}, 403),
        ({"token": "good"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"token": "good"}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({"token": "good"}, {"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
def test_only_our_own_forms_act(
    anonymous: TestClient,
    session: Session,
    incident: Incident,
    fields: dict[str, str],
    headers: dict[str, str],
    status: int,
) -> None:
    key = make_key(session)
    Visitor(anonymous, key)
    page = anonymous.get(f"/incidents/{incident.id}").text
    token = page.split('name="token" value="')[1].split('"')[0]
    sent = {name: token if value == "good" else value for name, value in fields.items()}
    path = f"/incidents/{incident.id}/acknowledge"
    assert anonymous.post(path, data=sent, headers=headers).status_code == status
    session.refresh(incident)
    assert (incident.state == "acknowledged") == (status == 303)


def test_another_login_s_token_is_worth_nothing(
    anonymous: TestClient, session: Session, incident: Incident
) -> None:
    theirs = Visitor(anonymous, make_key(session))
    page = theirs.looks(f"/incidents/{incident.id}").text
    token = page.split('name="token" value="')[1].split('"')[0]
    Visitor(anonymous, make_key(session))
    path = f"/incidents/{incident.id}/acknowledge"
    assert anonymous.post(path, data={"token": token}).status_code == 403


def test_a_reader_sees_no_forms_and_sends_none(
    anonymous: TestClient, session: Session, incident: Incident
) -> None:
    visitor = Visitor(anonymous, make_key(session, Scope.READ))
    page = visitor.looks(f"/incidents/{incident.id}").text
    assert "/acknowledge" not in page
    assert "may read only" in page
    assert visitor.sends(f"/incidents/{incident.id}/acknowledge").status_code == 403


def test_without_a_login_nothing_acts(anonymous: TestClient, incident: Incident) -> None:
    answer = anonymous.post(
        f"/incidents/{incident.id}/acknowledge", headers={"Accept": "text/html"}
    )
    assert answer.status_code == 401
    assert 'href="/login"' in answer.text


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/silences", {"hours": 0, "reason": "because"}, 422),
        ("/silences", {"hours": 5, "reason": "x"}, 422),
        ("/silences", {"hours": 5, "reason": "a\0b"}, 422),
        ("/silences", {"hours": 5, "reason": "because", "model_id": "7"}, 422),
        ("/silences", {"hours": 5, "reason": "because", "model_id": UNKNOWN}, 404),
        ("/retrain-jobs", {}, 422),
        ("/retrain-jobs", {"reason": "y" * 501}, 422),
        (f"/incidents/{UNKNOWN}/acknowledge", {}, 404),
        ("/incidents/7/acknowledge", {}, 422),
        (f"/models/{UNKNOWN}/promote", {}, 404),
        ("/models/rollback", {"reason": "because"}, 409),
        ("/reports", {"model_id": UNKNOWN, "since": "soon", "until": "later"}, 422),
    ],
)
def test_bad_forms_are_told_in_words(
    visitor: Visitor, path: str, fields: dict[str, object], status: int
) -> None:
    answer = visitor.sends(path, **fields)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text


def test_the_audit_trail_over_http(
    visitor: Visitor, anonymous: TestClient, session: Session
) -> None:
    visitor.sends("/retrain-jobs", reason="many new labels")
    lines = anonymous.get("/v1/audit").json()["items"]
    assert [(line["who"], line["action"]) for line in lines] == [("tester", "asked for a retrain")]
    about = anonymous.get("/v1/audit", params={"subject_id": lines[0]["subject_id"]}).json()
    assert about["items"] == lines
    assert "asked for a retrain" in visitor.looks("/audit").text
