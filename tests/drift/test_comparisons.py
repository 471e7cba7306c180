"""Two nights, stretches, reference sets: figures, the request for a test, and bad pairs."""

import datetime
import uuid
from typing import Any

import pytest
from factories.key import make_key
from factories.model import make_model
from factories.night import make_night, make_served, night_of
from factories.reference_set import make_reference_set
from factories.report import make_report
from factories.visitor import Visitor
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil.db.report import Comparison, DriftReport

Pair = dict[str, Any]


@pytest.fixture
def nights(session: Session) -> list[str]:
    """Four: two calm, one moved and darker, one of nine photos; ids of their reports."""
    served = make_served(session, rows=30)
    made: list[dict[str, Any]] = [{}, {}, {"shift": 0.8, "brightness": 0.2}, {"rows": 9}]
    found = []
    for number, values in enumerate(made):
        window = night_of(number)
        make_night(session, served, window, **({"rows": 150} | values))
        report = make_report(
            session,
            served.model,
            served.reference,
            window_start=window.start,
            window_end=window.end,
        )
        found.append(str(report.id))
    return found


def _compared(client: TestClient, **pair: object) -> Any:
    answer = client.get("/v1/comparisons/nights", params=pair)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_figures_come_without_a_test(reader: TestClient, nights: list[str]) -> None:
    found = _compared(reader, a=nights[0], b=nights[2])
    moved = {row["name"]: row["effect"] for row in found["covariates"]}
    assert moved["brightness"] < -2
    assert abs(moved["contrast"]) < 0.5
    assert sum(row["night"] for row in found["classes"]) == pytest.approx(1)
    assert sum(row["reference"] for row in found["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert sum(found["other_figures"]["confidence"]) == pytest.approx(1)
    assert found["other_figures"]["sampled"] == 150
    assert found["comparison"] is None


def test_a_night_that_was_judged_with_others_is_compared_with_them(
    reader: TestClient, session: Session, nights: list[str]
) -> None:
    few = session.get_one(DriftReport, uuid.UUID(nights[3]))
    few.inputs = {"pooled_from": night_of(2).start.isoformat()}
    session.flush()
    assert _compared(reader, a=nights[0], b=nights[3])["other_figures"]["sampled"] == 159


def test_what_is_no_number_is_left_out_of_figures(reader: TestClient, session: Session) -> None:
    served = make_served(session, rows=30)
    bad: list[dict[str, Any]] = [
        {"brightness": float("nan")},
        {"probabilities": [float("nan"), 0.2, 0.3, 0.5]},
    ]
    ids = []
    for number, values in enumerate(bad):
        window = night_of(number)
        make_night(session, served, window, rows=40)
        make_night(session, served, window, rows=5, seed=7, **values)
        times: dict[str, Any] = {"window_start": window.start, "window_end": window.end}
        ids.append(str(make_report(session, served.model, served.reference, **times).id))
    found = _compared(reader, a=ids[0], b=ids[1])
    assert found["reference_figures"]["means"]["brightness"] == pytest.approx(0.45, abs=0.05)
    assert found["other_figures"]["sampled"] == 40


def test_a_night_is_not_compared_with_itself(reader: TestClient, nights: list[str]) -> None:
    answer = reader.get("/v1/comparisons/nights", params={"a": nights[0], "b": nights[0]})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Both sides are the same; choose two."
    assert reader.get(f"/compare/nights?a={nights[0]}&b={nights[0]}").status_code == 422


def _asks(client: TestClient, kind: str, **body: Any) -> Any:
    answer = client.post(f"/v1/comparisons/{kind}", json=body)
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert answer.headers["location"] == f"/v1/comparisons/{found['id']}"
    return found


RESULT: dict[str, Any] = {
    "p_value": 0.0004,
    "p_days": 0.0004,
    "p_rows": 0.0001,
    "ratio": 3.2,
    "rank": 1,
    "first_days": 7,
    "second_days": 1,
    "first_photos": 840,
    "second_photos": 150,
    "views": [{"name": "location", "group": "photos", "p_value": 0.0001, "effect": 3.2}],
    "notes": ["one view is left out"],
}


def test_a_pair_waits_for_the_worker_and_then_has_its_result(
    client: TestClient, session: Session, nights: list[str]
) -> None:
    found = _asks(client, "nights", a=nights[0], b=nights[2])
    assert found["state"] == "waiting"
    assert _asks(client, "nights", a=nights[0], b=nights[2])["id"] == found["id"]
    lines = session.scalars(select(AuditLine.action)).all()
    assert lines.count("asked for a comparison") == 1
    page = f"/compare/nights?a={nights[0]}&b={nights[2]}"
    assert 'http-equiv="refresh"' in client.get(page).text
    row = session.get_one(Comparison, uuid.UUID(found["id"]))
    assert (row.first_start, row.second_end) == (night_of(0).start, night_of(2).end)
    row.handled_at, row.result = night_of(9).start, RESULT
    session.flush()
    session.expunge_all()
    assert client.get(f"/v1/comparisons/{found['id']}").json()["result"] == RESULT
    assert _compared(client, a=nights[0], b=nights[2])["comparison"]["result"] == RESULT
    assert _asks(client, "nights", a=nights[0], b=nights[2])["state"] == "done"
    text = client.get(page).text
    assert "3.2 times what the 7 days of the first vary by" in text
    assert "One view is left out." in text
    assert 'http-equiv="refresh"' not in text


def test_a_pair_that_failed_waits_again_when_it_is_asked_for_again(
    client: TestClient, session: Session, nights: list[str]
) -> None:
    found = _asks(client, "nights", a=nights[0], b=nights[2])
    row = session.get_one(Comparison, uuid.UUID(found["id"]))
    row.handled_at, row.problem = night_of(9).start, "too few rows"
    session.flush()
    session.expunge_all()
    page = client.get(f"/compare/nights?a={nights[0]}&b={nights[2]}").text
    assert "cannot be tested: too few rows" in page
    again = _asks(client, "nights", a=nights[0], b=nights[2])
    assert (again["id"], again["state"], again["problem"]) == (found["id"], "waiting", None)


def test_any_two_stretches_of_a_model(client: TestClient, session: Session) -> None:
    served = make_served(session, rows=30)
    first = {"start": "2026-09-01T00:00:00Z", "end": "2026-09-08T00:00:00Z"}
    second = {"start": "2026-09-08T00:00:00Z", "end": "2026-09-10T00:00:00+02:00"}
    make_night(session, served, night_of(0))
    make_night(session, served, night_of(7))
    found = _asks(client, "stretches", model_id=str(served.model.id), a=first, b=second)
    row = session.get_one(Comparison, uuid.UUID(found["id"]))
    assert row.second_end == night_of(8).end - datetime.timedelta(hours=2)
    page = client.get(f"/compare/stretches?id={row.id}")
    assert page.status_code == 200
    assert "Camera and light" in page.text


def test_the_forms_ask_for_a_comparison(
    anonymous: TestClient, session: Session, nights: list[str]
) -> None:
    visitor = Visitor(anonymous, make_key(session))
    answer = visitor.sends("/compare/nights", a=nights[0], b=nights[1])
    assert answer.headers["location"] == f"/compare/nights?a={nights[0]}&b={nights[1]}"
    model_id = session.get_one(DriftReport, uuid.UUID(nights[0])).model_id
    days = {"a_start": "2026-09-01T00:00", "a_end": "2026-09-02T00:00"}
    days |= {"b_start": "2026-09-02T00:00", "b_end": "2026-09-03T00:00"}
    answer = visitor.sends("/compare/stretches", model_id=str(model_id), **days)
    assert answer.status_code == 303
    pair = session.scalars(select(Comparison)).one()  # the same two nights
    assert answer.headers["location"] == f"/compare/stretches?id={pair.id}"
    assert "Compare two stretches" in visitor.looks(answer.headers["location"]).text


def test_a_reader_asks_for_none(reader: TestClient, nights: list[str]) -> None:
    body = {"a": nights[0], "b": nights[1]}
    assert reader.post("/v1/comparisons/nights", json=body).status_code == 403


@pytest.mark.parametrize(
    ("a", "b", "problem"),
    [
        (("2026-09-02", "2026-09-01"), ("2026-09-04", "2026-09-05"), "window-reversed"),
        (("2026-09-01", "2026-09-03"), ("2026-09-02", "2026-09-05"), "stretches-overlap"),
        (("2026-09-01", "2026-09-03"), ("2126-09-02", "2126-09-05"), "window-in-future"),
        (("2006-09-01", "2016-09-03"), ("2026-09-02", "2026-09-05"), "stretch-too-long"),
    ],
)
def test_bad_stretches(
    client: TestClient, session: Session, a: tuple[str, str], b: tuple[str, str], problem: str
) -> None:
    model = make_model(session)
    sides = [{"start": f"{start}T00:00:00Z", "end": f"{end}T00:00:00Z"} for start, end in (a, b)]
    body = {"model_id": str(model.id), "a": sides[0], "b": sides[1]}
    answer = client.post("/v1/comparisons/stretches", json=body)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(problem)
    assert session.scalars(select(Comparison)).all() == []


def test_two_encoders_are_never_compared(client: TestClient, session: Session) -> None:
    sets = [make_reference_set(session, make_model(session), rows=40) for _ in range(2)]
    pair = {"a": str(sets[0].id), "b": str(sets[1].id)}
    answer = client.post("/v1/comparisons/reference-sets", json=pair)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("two encoders, which are never compared.")
    found = client.get("/v1/comparisons/reference-sets", params=pair).json()
    assert len(found["covariates"]) == 8


def test_rows_that_retention_deleted(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    pair = [str(make_report(session, model, reference, night=night).id) for night in range(2)]
    found = _compared(reader, a=pair[0], b=pair[1])
    assert found["reference_figures"] is None
    assert found["covariates"] == []
    page = reader.get(f"/compare/nights?a={pair[0]}&b={pair[1]}")
    assert "No rows left" in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"a": "7", "b": "8"}, 422),
        ({"a": str(uuid.uuid4()), "b": str(uuid.uuid4())}, 404),
        ({"a": str(uuid.uuid4()), "b": str(uuid.uuid4()), "test": "perhaps"}, 422),
        ({"a": str(uuid.uuid4()), "b": str(uuid.uuid4()), "c": "d"}, 422),
    ],
)
@pytest.mark.parametrize("kind", ["nights", "reference-sets"])
def test_bad_pairs(reader: TestClient, kind: str, query: Pair, status: int) -> None:
    answer = reader.get(f"/v1/comparisons/{kind}", params=query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    page = reader.get(
        f"/compare/{kind}", params=query or {"a": "x"}, headers={"Accept": "text/html"}
    )
    assert page.status_code in {404, 422}
    assert "<h1>" in page.text
