"""Reports over HTTP: lists, filters, pages, documents from storage, exports, requests."""

import csv
import io
import uuid
from typing import Any

import numpy as np
import pytest
from factories.evidence import REALISED, make_clusters, make_slices
from factories.incident import make_incident
from factories.model import make_model
from factories.night import make_night, make_served, night_of
from factories.nightly_report import make_nightly_report
from factories.reference_set import make_reference_set
from factories.report import FIRST_NIGHT, NIGHT, make_report
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.db.report import DriftReport, ReportRequest, ReportVerdict
from mycovigil.settings import Settings
from mycovigil.storage import Storage, photo_key
from mycovigil_drift.resources.reports.queries import neighbours


@pytest.fixture
def nights(session: Session) -> list[str]:
    """Ids of seven nights of one model, first to last; the fifth is a drift."""
    model = make_model(session, version="autumn")
    reference = make_reference_set(session, model)
    verdicts = [ReportVerdict.CALM] * 4 + [ReportVerdict.DRIFT] + [ReportVerdict.CALM] * 2
    return [
        str(make_report(session, model, reference, night=night, verdict=verdict).id)
        for night, verdict in enumerate(verdicts)
    ]


def test_pages_follow_each_other_without_gap_or_overlap(
    reader: TestClient, nights: list[str]
) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = reader.get("/v1/reports", params=query).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == nights[::-1]


def test_a_page_stays_where_it_was_when_reports_arrive(
    reader: TestClient, session: Session, nights: list[str]
) -> None:
    first = reader.get("/v1/reports", params={"limit": 3}).json()
    model = make_model(session)
    make_report(session, model, make_reference_set(session, model), night=30)
    second = reader.get("/v1/reports", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in second["items"]] == nights[::-1][3:6]


def test_links_of_the_list_keep_its_filters(reader: TestClient, nights: list[str]) -> None:
    page = reader.get("/reports?model=autumn&periods=1&verdict=calm&limit=2").text
    filters = "model=autumn&amp;verdict=calm&amp;periods=1"
    assert f'href="?{filters}&amp;cursor=' in page
    for kind in ("csv", "json"):
        assert f'href="/v1/reports.{kind}?{filters}"' in page
    assert 'href="/reports?verdict=drift&amp;model=autumn&amp;periods=1"' in page


def test_beside_a_calm_night_the_list_says_what_would_have_been_seen(
    reader: TestClient, session: Session
) -> None:
    model = make_model(session)
    for night, verdict in enumerate((ReportVerdict.CALM, ReportVerdict.DRIFT)):
        make_report(session, model, None, night=night, verdict=verdict, detectable=1.74)
    page = reader.get("/reports").text
    assert page.count("A shift of 1.7 times would have been seen.") == 1


def test_a_night_that_rows_alone_keep_calm_claims_no_shift_that_would_have_been_seen(
    reader: TestClient, session: Session
) -> None:
    days: dict[str, Any] = {"learning": None, "informs": False, "notes": []}
    report = make_report(
        session, make_model(session), None, p_value=0.03, p_days=0.0002, p_rows=0.03,
        ratio=2.6, detectable=1.74, rank=1, days=9, evidence={"days": days},
    )  # fmt: skip
    for page in (reader.get(f"/reports/{report.id}").text, reader.get("/reports").text):
        assert "would have been seen" not in page.lower()
        assert "By days this is a drift and by photos it is not; a page needs both." in page


def test_a_calm_night_with_labels_asks_for_no_cause(reader: TestClient, session: Session) -> None:
    report = make_report(session, make_model(session), None, realised=REALISED)
    page = reader.get(f"/reports/{report.id}").text
    assert "3 of 31 deadly photos were missed" in page
    assert "no known cause explains it" not in page


def test_before_and_after_of_windows_with_one_end_do_not_loop(session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    stretches = [
        make_report(session, model, reference, periods=0, window_start=FIRST_NIGHT + hours)
        for hours in (NIGHT / 4, NIGHT / 3, NIGHT / 2)
    ]
    seen: list[object] = []
    at: DriftReport | None = stretches[-1]
    while at is not None and at not in seen:
        seen.append(at)
        at = neighbours(session, at)[0]
    assert at is None
    assert set(seen) == set(stretches)


def test_filters(reader: TestClient, nights: list[str]) -> None:
    def found(**query: str) -> list[str]:
        return [item["id"] for item in reader.get("/v1/reports", params=query).json()["items"]]

    assert found(verdict="drift") == [nights[4]]
    assert found(model="autumn") == nights[::-1]
    assert found(since=FIRST_NIGHT.replace(day=6).isoformat()) == nights[:4:-1]
    assert found(periods="7") == []


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"cursor": "nonsense"}, 422, "bad-cursor"),
        ({"cursor": "MjAyNi0wMS0wMXw"}, 422, "bad-cursor"),
        ({"limit": "0"}, 422, "invalid-request"),
        ({"limit": "201"}, 422, "invalid-request"),
        ({"verdict": "worse"}, 422, "invalid-request"),
        ({"since": "2026-01-01T00:00:00"}, 422, "invalid-request"),
        ({"modle": "autumn"}, 422, "invalid-request"),
        ({"model": "winter"}, 404, "not-found"),
    ],
)
def test_bad_queries_say_so(
    reader: TestClient, query: dict[str, str], status: int, slug: str
) -> None:
    answer = reader.get("/v1/reports", params=query)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(f"/{slug}")


def test_a_report_whole(reader: TestClient, session: Session) -> None:
    model = make_model(session, version="autumn")
    report = make_nightly_report(session, model, make_reference_set(session, model))
    document = reader.get(f"/v1/reports/{report.id}").json()
    assert document["model"]["version"] == "autumn"
    assert document["verdict"] == "calm"
    assert document["incident_id"] is None
    assert {view["group"] for view in document["views"]} == {
        "features",
        "probabilities",
        "covariates",
    }
    assert document["inputs"]["seed"] == 20_261_122
    assert document["metrics"]["rows"] == 400
    assert document["evidently"] is None


def test_a_report_knows_its_incident(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    before = make_report(session, model, reference, night=0)
    drift = make_report(session, model, reference, night=1, verdict=ReportVerdict.DRIFT)
    incident = make_incident(session, drift)
    after = make_report(session, model, reference, night=2)
    known = [
        reader.get(f"/v1/reports/{report.id}").json()["incident_id"]
        for report in (before, drift, after)
    ]
    assert known == [None, str(incident.id), str(incident.id)]
    incident.model_id = make_model(session).id  # took it over
    session.flush()
    assert reader.get(f"/v1/reports/{drift.id}").json()["incident_id"] == str(incident.id)


def test_unknown_reports_are_404(reader: TestClient) -> None:
    for tail in ("", "/evidently", "/gallery", "/snapshot", "/metrics.csv"):
        assert reader.get(f"/v1/reports/{uuid.uuid4()}{tail}").status_code == 404
    assert reader.get("/v1/reports/7").status_code == 422


def test_the_gallery(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    photo = {"prediction_id": str(uuid.uuid4()), "score": 0.9, "label": "deadly", "neighbours": []}
    report = make_report(session, model, make_reference_set(session, model), gallery=[photo])
    assert reader.get(f"/v1/reports/{report.id}/gallery").json()["photos"] == [photo]


def test_evidently_is_served_where_it_can_do_no_harm(
    reader: TestClient, session: Session, settings: Settings
) -> None:
    key = Storage(settings.storage).write("reports/a/evidently.html", b"<h1>Evidently</h1>")
    model = make_model(session)
    reference = make_reference_set(session, model)
    report = make_report(session, model, reference, evidently_uri=key)
    answer = reader.get(f"/v1/reports/{report.id}/evidently")
    assert answer.text == "<h1>Evidently</h1>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy


def test_a_document_deleted_by_retention_is_404(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    report = make_report(session, model, reference, evidently_uri="reports/gone.html")
    answer = reader.get(f"/v1/reports/{report.id}/evidently")
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (404, "not-kept")


def test_exports(reader: TestClient, session: Session, nights: list[str]) -> None:
    listed = reader.get("/v1/reports.csv", params={"verdict": "drift"})
    assert listed.headers["content-disposition"] == 'attachment; filename="reports.csv"'
    rows = list(csv.DictReader(io.StringIO(listed.text)))
    assert [(row["id"], row["verdict"]) for row in rows] == [(nights[4], "drift")]
    numbers = dict(csv.reader(io.StringIO(reader.get(f"/v1/reports/{nights[4]}/metrics.csv").text)))
    assert (numbers["name"], numbers["verdict"], numbers["p_value"]) == ("value", "drift", "0.0001")


def test_the_list_as_one_json_file(reader: TestClient, nights: list[str]) -> None:
    listed = reader.get("/v1/reports.json", params={"limit": 1})
    assert listed.headers["content-disposition"] == 'attachment; filename="reports.json"'
    assert [row["id"] for row in listed.json()] == nights[::-1]


def test_a_report_shows_what_labels_said(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    evidence = {"harm": {"safety": "unknown"}, "slices": make_slices(np.random.default_rng(1))}
    report = make_report(
        session,
        model,
        make_reference_set(session, model),
        verdict=ReportVerdict.DRIFT,
        evidence=evidence | {"clusters": make_clusters()},
        realised=REALISED,
    )
    assert reader.get(f"/v1/reports/{report.id}").json()["realised"] == REALISED
    page = reader.get(f"/reports/{report.id}").text
    assert "3 of 31 deadly photos were missed" in page
    assert "measured</span>" in page
    assert "Changed clusters" in page
    assert "app-android" in page


def test_photos_of_clusters_may_be_of_a_night_that_was_pooled(
    reader: TestClient, session: Session
) -> None:
    """The inputs are as the worker writes them: JSON, in which a moment is a text."""
    served = make_served(session, rows=3)
    digests = ["a" * 64, "b" * 64]
    for number, digest in enumerate(digests):
        make_night(session, served, night_of(number), rows=1, image_key=photo_key(digest))
    photos = [str(key) for key in session.scalars(select(Prediction.id))]
    report = make_report(
        session,
        served.model,
        served.reference,
        verdict=ReportVerdict.DRIFT,
        window_start=night_of(1).start,
        window_end=night_of(1).end,
        evidence={"clusters": make_clusters(photos, [0])},
        inputs={"pooled_from": night_of(0).start.isoformat()},
    )
    answer = reader.get(f"/reports/{report.id}")
    assert answer.status_code == 200
    for digest in digests:
        assert f"/photos/{digest}" in answer.text


def test_a_night_without_a_reference_set(reader: TestClient, session: Session) -> None:
    report = make_report(
        session,
        make_model(session),
        None,
        verdict=ReportVerdict.NO_REFERENCE,
        p_value=None,
        problem="no reference set serves: freeze one",
    )
    assert reader.get(f"/v1/reports/{report.id}").json()["reference_set_id"] is None
    page = reader.get(f"/reports/{report.id}").text
    assert "Nothing to compare with" in page
    assert "no reference set serves: freeze one" in page
    assert reader.get("/reports?verdict=no_reference").text.count(str(report.id)) == 1


def test_an_export_holds_no_formula(reader: TestClient, session: Session) -> None:
    model = make_model(session)
    reference = make_reference_set(session, model)
    problem = "=cmd|' /C calc'!A0"
    make_report(session, model, reference, verdict=ReportVerdict.FAILED, problem=problem)
    row = next(csv.DictReader(io.StringIO(reader.get("/v1/reports.csv").text)))
    assert row["problem"] == f"'{problem}"


def _window(model_id: object, start: str, end: str) -> dict[str, str]:
    return {"model_id": str(model_id), "window_start": start, "window_end": end}


def test_asking_for_a_report_twice_is_asking_once(client: TestClient, session: Session) -> None:
    model = make_model(session)
    body = _window(model.id, "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    first, second = (client.post("/v1/reports", json=body) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert session.scalar(select(func.count()).select_from(ReportRequest)) == 1
    followed = client.get(first.headers["location"]).json()
    assert (followed["state"], followed["requested_by"]) == ("waiting", "tester")


def test_a_request_tells_how_it_went(client: TestClient, session: Session) -> None:
    model = make_model(session)
    report = make_report(session, model, make_reference_set(session, model))
    body = _window(model.id, "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    place = client.post("/v1/reports", json=body).headers["location"]
    row = session.scalars(select(ReportRequest)).one()
    row.handled_at, row.report_id = FIRST_NIGHT, report.id
    session.flush()
    assert client.get(place).json()["state"] == "done"
    row.report_id, row.problem = None, "no reference set"
    session.flush()
    assert client.get(place).json()["state"] == "failed"


@pytest.mark.parametrize(
    ("start", "end", "slug"),
    [
        ("2026-09-02T00:00:00Z", "2026-09-01T00:00:00Z", "window-reversed"),
        ("2026-09-01T00:00:00Z", "2026-09-01T00:00:00Z", "window-reversed"),
        ("2026-09-01T00:00:00Z", "2126-09-01T00:00:00Z", "window-in-future"),
        ("2026-09-01T00:00:00", "2026-09-02T00:00:00", "invalid-request"),
        ("yesterday", "2026-09-02T00:00:00Z", "invalid-request"),
    ],
)
def test_impossible_windows_are_refused(
    client: TestClient, session: Session, start: str, end: str, slug: str
) -> None:
    model = make_model(session)
    answer = client.post("/v1/reports", json=_window(model.id, start, end))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(f"/{slug}")
    assert session.scalar(select(func.count()).select_from(ReportRequest)) == 0


def test_a_report_for_an_unknown_model_is_404(client: TestClient) -> None:
    body = _window(uuid.uuid4(), "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z")
    assert client.post("/v1/reports", json=body).status_code == 404
