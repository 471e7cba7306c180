"""Reference sets made of production, frozen and retired, over HTTP and by form."""

from typing import Any

import pytest
from factories.key import make_key
from factories.night import Served, make_night, make_served, night_of
from factories.report import make_report
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import ReportVerdict

STRETCH = {"since": "2026-09-01T00:00:00Z", "until": "2026-09-03T00:00:00Z"}


@pytest.fixture
def served(session: Session) -> Served:
    """Two nights of 80 photos; the third drifted."""
    found = make_served(session, rows=30)
    for number in range(3):
        make_night(session, found, night_of(number), rows=80)
    window = night_of(2)
    make_report(
        session,
        found.model,
        found.reference,
        verdict=ReportVerdict.DRIFT,
        window_start=window.start,
        window_end=window.end,
    )
    return found


def _wish(served: Served, **values: Any) -> dict[str, Any]:
    return {"model_id": str(served.model.id), "name": "early autumn"} | STRETCH | values


def test_from_a_draft_to_the_set_in_use(client: TestClient, served: Served) -> None:
    made = client.post("/v1/reference-sets", json=_wish(served))
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["rows"], draft["frozen_at"], len(draft["content_hash"])) == (160, None, 64)
    frozen = client.post(f"{made.headers['location']}/freeze").json()
    assert frozen["frozen_at"] is not None
    assert client.get(f"/reference-sets/{draft['id']}").text.count("in use") == 1
    retired = client.post(f"{made.headers['location']}/retire").json()
    assert retired["retired_at"] is not None
    again = client.post(f"{made.headers['location']}/freeze")
    assert again.status_code == 409
    assert "was retired; make a new one" in again.json()["detail"]
    gone = client.post(f"{made.headers['location']}/retire")
    assert gone.json()["retired_at"] == retired["retired_at"]


@pytest.mark.parametrize(
    ("values", "slug"),
    [
        ({"until": "2026-08-01T00:00:00Z"}, "window-reversed"),
        ({"until": "2126-09-03T00:00:00Z"}, "reference-not-usable"),
        ({"until": "2026-09-04T00:00:00Z"}, "reference-not-usable"),
        ({"until": "2026-09-02T00:00:00Z"}, "reference-not-usable"),
        ({"rows": 10}, "invalid-request"),
        ({"months": [13]}, "invalid-request"),
        ({"since": "2026-09-01T00:00:00"}, "invalid-request"),
    ],
)
def test_unusable_stretches_are_refused_and_leave_nothing(
    client: TestClient, session: Session, served: Served, values: dict[str, Any], slug: str
) -> None:
    answer = client.post("/v1/reference-sets", json=_wish(served, **values))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(f"/{slug}")
    assert session.scalars(select(ReferenceSet)).all() == [served.reference]


def test_drift_may_be_accepted(client: TestClient, served: Served) -> None:
    wish = _wish(served, until="2026-09-04T00:00:00Z", accept_drift=True)
    assert client.post("/v1/reference-sets", json=wish).json()["rows"] == 240


def test_by_form(anonymous: TestClient, session: Session, served: Served) -> None:
    visitor = Visitor(anonymous, make_key(session))
    assert "Make a draft" in visitor.looks("/reference-sets").text
    fields = {"since": "2026-09-01T00:00", "until": "2026-09-03T00:00", "months": ["9", "10"]}
    answer = visitor.sends(
        "/reference-sets", model_id=served.model.id, name="autumns", rows=10_000, **fields
    )
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    made = session.scalars(select(ReferenceSet).where(ReferenceSet.name == "autumns")).one()
    assert made.months == [9, 10]
    assert place == f"/reference-sets/{made.id}"
    assert "draft" in visitor.looks(place).text
    visitor.sends(f"{place}/freeze")
    visitor.sends(f"{place}/retire")
    session.refresh(made)
    assert made.frozen_at is not None
    assert made.retired_at is not None
    actions = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == made.id))
    assert sorted(actions) == [
        "froze the reference set",
        "made a reference set",
        "retired the reference set",
    ]


def test_the_list_says_which_serves_now(client: TestClient, served: Served) -> None:
    page = client.get("/reference-sets").text
    assert page.count("in use") == 1
