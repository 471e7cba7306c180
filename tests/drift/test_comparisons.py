"""Two nights, two reference sets: figures, the test of one against the other, and bad pairs."""

import uuid
from typing import Any

import pytest
from factories.model import make_encoder, make_model
from factories.night import make_night, make_served, night_of
from factories.reference_set import make_reference_set
from factories.report import make_report
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport
from mycovigil.references import reference_set
from mycovigil.references.window import Window

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
    assert found["verdict"] is None


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


def test_what_moved_is_told_from_what_did_not(reader: TestClient, nights: list[str]) -> None:
    calm = _compared(reader, a=nights[0], b=nights[1], test=True)["verdict"]
    moved = _compared(reader, a=nights[0], b=nights[2], test=True)["verdict"]
    assert calm["p_value"] > 0.01
    assert moved["p_value"] < 0.001
    assert (moved["reference_rows"], moved["other_rows"]) == (150, 150)
    assert {view["group"] for view in moved["views"]} >= {"predictions", "covariates"}
    remembered = _compared(reader, a=nights[0], b=nights[2])["verdict"]
    assert remembered == moved


@pytest.mark.parametrize(("a", "b"), [(0, 3), (3, 0)])
def test_too_few_photos_are_said_to_be(
    reader: TestClient, nights: list[str], a: int, b: int
) -> None:
    verdict = _compared(reader, a=nights[a], b=nights[b], test=True)["verdict"]
    assert verdict["p_value"] is None
    assert "rows" in verdict["problem"]


def test_a_night_is_not_compared_with_itself(reader: TestClient, nights: list[str]) -> None:
    answer = reader.get("/v1/comparisons/nights", params={"a": nights[0], "b": nights[0]})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Both sides are the same; choose two."
    assert reader.get(f"/compare/nights?a={nights[0]}&b={nights[0]}").status_code == 422


def test_photos_that_both_sides_hold_are_compared_with_none(
    reader: TestClient, session: Session
) -> None:
    """What taught the test what is calm would fit it too well."""
    served = make_served(session, rows=150)
    make_night(session, served, night_of(0), rows=900)
    spans = [Window(night_of(0).start, night_of(0).end)]
    sets = [
        reference_set.from_production(session, served.model, spans, name=name, rows=rows)
        for name, rows in (("some", 500), ("all", 10_000))
    ]
    pair = {"a": str(sets[0].id), "b": str(sets[1].id), "test": "true"}
    verdict = reader.get("/v1/comparisons/reference-sets", params=pair).json()["verdict"]
    assert (verdict["reference_rows"], verdict["other_rows"]) == (500, 400)
    assert verdict["p_value"] > 0.01


def test_two_encoders_are_never_compared(reader: TestClient, session: Session) -> None:
    sets = [make_reference_set(session, make_model(session), rows=40) for _ in range(2)]
    pair = {"a": str(sets[0].id), "b": str(sets[1].id), "test": "true"}
    found = reader.get("/v1/comparisons/reference-sets", params=pair).json()
    assert found["verdict"]["problem"] == "features of two encoders are never compared"
    assert len(found["covariates"]) == 8


@pytest.mark.parametrize("dimension", [8, 16])
def test_a_night_with_rows_of_another_encoder_is_not_compared(
    reader: TestClient, session: Session, dimension: int
) -> None:
    served, other = make_served(session, rows=30), make_encoder(session)
    foreign: dict[str, Any] = {"dimension": dimension, "encoder_id": other.id, "seed": 5}
    make_night(session, served, night_of(1), rows=7, **foreign)
    ids = []
    for window in (night_of(0), night_of(1)):
        make_night(session, served, window, rows=150)
        times: dict[str, Any] = {"window_start": window.start, "window_end": window.end}
        ids.append(str(make_report(session, served.model, served.reference, **times).id))
    for a, b in (ids, ids[::-1]):
        verdict = _compared(reader, a=a, b=b, test=True)["verdict"]
        assert verdict["p_value"] is None
        assert verdict["problem"] == "features of two encoders are never compared"


def test_two_reference_sets(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    one = make_reference_set(session, model, rows=200, seed=1)
    two = make_reference_set(session, model, rows=120, seed=2)
    pair = {"a": str(one.id), "b": str(two.id), "test": "true"}
    verdict = reader.get("/v1/comparisons/reference-sets", params=pair).json()["verdict"]
    assert verdict["p_value"] > 0.001
    assert (verdict["reference_rows"], verdict["other_rows"]) == (200, 120)


def test_rows_that_retention_deleted(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    pair = [str(make_report(session, model, reference, night=night).id) for night in range(2)]
    found = _compared(reader, a=pair[0], b=pair[1], test=True)
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
