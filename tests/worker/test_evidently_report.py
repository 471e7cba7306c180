"""Evidently's page: human columns, our verdict inside, and no table of embedding columns."""

import datetime
import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from factories.baseline import make_baseline
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from sqlalchemy import select, update

from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport
from mycovigil.references.feature_rows import Rows
from mycovigil.vision.image.covariates import NAMES
from mycovigil_worker.nights import nightly
from mycovigil_worker.report import evidently_report
from mycovigil_worker.report.evidently_workspace import filled
from mycovigil_worker.state import State

MORNING = FIRST + PERIOD + datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def javascript() -> int:
    """Bytes of Evidently's page without anything to report: its own script."""
    evidently_report.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import Report

        empty = Report([]).run(pd.DataFrame({"x": [1]}), None)
        return len(empty.get_html_str(as_iframe=False).encode())


def report_of(state: State, shift: float) -> DriftReport:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), shift=shift, jpeg_quality=None)
        session.execute(update(ReferenceSample).values(jpeg_quality=None))
    make_baseline(state)
    nightly.run(state, now=MORNING)
    with state.sessions() as session:
        return session.scalars(select(DriftReport)).one()


def snapshot_of(state: State, report: DriftReport) -> dict[str, Any]:
    """The stored snapshot, read back by Evidently itself, as plain results."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.core.report import Snapshot

        found = Snapshot.loads(state.storage.read(str(report.snapshot_uri)).decode())
        return dict(json.loads(found.json()))


def test_the_verdict_is_a_failed_test_on_the_page_and_in_the_snapshot(
    state: State, javascript: int
) -> None:
    report = report_of(state, shift=1.0)
    page = state.storage.read(str(report.evidently_uri))
    snapshot = snapshot_of(state, report)
    assert b"Mycovigil verdict: drift" in page
    assert b"EmbeddingsDrift of features" in page
    assert page.count(b"takes no decision") > 14
    assert not re.search(rb"drift (not )?detected\.", page)
    assert javascript > 1_000_000
    assert len(page) - javascript < 1_000_000
    ours = snapshot["metrics"][0]
    assert ours["metric_name"].startswith("OmnibusPValue")
    assert ours["value"] == report.p_value
    assert [test["status"] for test in snapshot["tests"]] == ["FAIL"]
    assert f"p = {report.p_value:.2g} is at most {report.level:.2g}" in page.decode()
    assert "Actual value" not in page.decode()


def test_a_calm_night_passes_its_test_and_has_human_columns_only(state: State) -> None:
    report = report_of(state, shift=0.0)
    snapshot = snapshot_of(state, report)
    assert {test["status"] for test in snapshot["tests"]} == {"SUCCESS"}
    columns = {m["config"]["column"] for m in snapshot["metrics"] if "column" in m["config"]}
    assert columns == {
        "predicted_class",
        "confidence",
        "distance_to_reference",
        "brightness",
        "contrast",
        "sharpness",
        "colour_temperature",
        "saturation",
        "width",
        "height",
        "probability_edible",
        "probability_conditionally_edible",
        "probability_poisonous",
        "probability_deadly",
    }


def test_a_night_that_drifts_in_one_class_only_is_no_calm_verdict_on_the_page() -> None:
    evidently_report.load()
    from mycovigil_worker.report.evidently_metrics import OmnibusPValue, OmnibusPValueCalculation

    metric = OmnibusPValue(p_value=0.4, level=0.001, by_class=True)
    title = OmnibusPValueCalculation("whole", metric).display_name()
    assert title.startswith("Mycovigil verdict: drift of a predicted class; all photos together")


def test_the_snapshot_opens_in_evidentlys_own_workspace_once(state: State, tmp_path: Path) -> None:
    report = report_of(state, shift=1.0)
    keys = [str(report.snapshot_uri)]
    folder = tmp_path / "workspace"
    assert filled(folder, "a model", state.storage, keys) == 1
    assert filled(folder, "a model", state.storage, keys) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.ui.workspace import Workspace

        workspace = Workspace(str(folder))
        project = workspace.search_project("a model")[0]
        run = workspace.get_run(project.id, workspace.list_runs(project.id)[0])
    assert run is not None
    assert run.name == "2026-09-01 00:00:00 to 2026-09-02 00:00:00"
    assert run.timestamp == report.window_end
    assert any("Mycovigil verdict: drift" in str(widget) for widget in run.widgets)
    assert run.tests_widgets


def night_rows(count: int, *, seed: int, dimension: int = 16, known: float = 1.0) -> Rows:
    """Photos of one class; ``known``: the share of them with a JPEG quality."""
    chance = np.random.default_rng(seed)
    features = chance.standard_normal((count, dimension)).astype(np.float32)
    probabilities = np.tile(np.array([0.05, 0.05, 0.1, 0.8], np.float32), (count, 1))
    covariates = chance.normal(0.5, 0.1, (count, len(NAMES))).astype(np.float32)
    quality = covariates[:, NAMES.index("jpeg_quality")]
    quality[round(known * count) :] = np.nan
    return Rows(
        keys=list(range(count)),
        features=features / np.linalg.norm(features, axis=1, keepdims=True),
        probabilities=probabilities + chance.normal(0, 0.01, (count, 4)).astype(np.float32),
        covariates=covariates,
        distances=chance.random(count).astype(np.float32),
        groups=[None] * count,
        labels=[None] * count,
    )


def snapshot(night: Rows, reference: Rows) -> Any:
    compared = SimpleNamespace(
        night=night,
        reference=SimpleNamespace(rows=reference),
        result=SimpleNamespace(views=[]),
        days=SimpleNamespace(result=SimpleNamespace(p_value=0.2)),
        slices=SimpleNamespace(documents=list),
    )
    spec = SimpleNamespace(window=night_of(0), level=0.01)
    return evidently_report._run(cast("Any", compared), cast("Any", spec))


@pytest.mark.parametrize("count", [400, pytest.param(1_500, marks=pytest.mark.whole)])
def test_one_class_and_one_value_put_no_nan_into_the_snapshot(count: int) -> None:
    one = 1 / count
    for night, reference in ((1.0, 1.0), (one, 1.0), (1.0, one), (one, one)):
        found = snapshot(
            night_rows(count, seed=1, known=night), night_rows(count, seed=0, known=reference)
        )
        text = found.dumps()
        assert not re.search(r"\b(NaN|-?Infinity)\b", text)
        first = json.loads(found.json())["metrics"][0]
        assert (first["metric_name"][:13], first["value"]) == ("OmnibusPValue", 0.2)


def test_infinity_is_no_figure_and_an_equal_column_no_trouble() -> None:
    night, reference = (night_rows(400, seed=seed) for seed in (1, 0))
    width, height, light = (NAMES.index(name) for name in ("width", "height", "brightness"))
    night.covariates[::4, light] = np.inf
    night.covariates[::5, light] = -np.inf
    night.covariates[:, width] = reference.covariates[:, width] = 1_600
    night.covariates[:, height] = 0
    night.probabilities[:] = [1, 0, 0, 0]
    text = snapshot(night, reference).dumps()
    assert not re.search(r"\b(NaN|-?Infinity)\b", text)
    assert "no figure: 40% of the night, 0% of the reference" in text


def test_the_share_of_photos_without_a_figure_is_said() -> None:
    """A reference of JPEGs, and a night of which seven in ten are PNGs."""
    found = snapshot(night_rows(400, seed=1, known=0.3), night_rows(400, seed=0))
    page = found.get_html_str(as_iframe=False)
    assert page.count("no figure: 70% of the night, 0% of the reference") == 1


def test_a_snapshot_at_768_dimensions_is_small() -> None:
    rows = [night_rows(2_000, seed=seed, dimension=768) for seed in (1, 0)]
    assert len(snapshot(*rows).dumps()) < 5_000_000
