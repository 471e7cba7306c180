"""Drift reports of numbered nights, with the documents that the worker writes."""

import datetime
import uuid
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftMetric, DriftReport, ReportVerdict
from mycovigil.safety import CLASSES

FIRST_NIGHT = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
REFERENCE_SHARES = (0.40, 0.22, 0.25, 0.13)
COVARIATES = (
    ("brightness", 0.45),
    ("contrast", 0.20),
    ("sharpness", -2.2),
    ("colour_temperature", 5200.0),
    ("saturation", 0.30),
    ("width", 1600.0),
    ("height", 1200.0),
    ("jpeg_quality", 90.0),
)
VIEWS = (
    ("mean shift", "features"),
    ("energy distance", "features"),
    ("cluster density", "features"),
    ("domain classifier", "features"),
    ("predicted class", "probabilities"),
    ("confidence", "probabilities"),
    ("covariates", "covariates"),
)


def make_report(
    session: Session,
    model: Model,
    reference_set: ReferenceSet,
    *,
    night: int = 0,
    periods: int = 1,
    verdict: ReportVerdict = ReportVerdict.CALM,
    p_value: float | None = 0.41,
    level: float | None = 0.0013,
    rows: int = 400,
    cause: str | None = None,
    problem: str | None = None,
    moved: dict[str, float] | None = None,
    shares: tuple[float, ...] = REFERENCE_SHARES,
    gallery: list[dict[str, Any]] | None = None,
    evidently_uri: str | None = None,
) -> DriftReport:
    """``night`` counts from :data:`FIRST_NIGHT`; ``moved`` adds to a covariate, in its sds."""
    end = FIRST_NIGHT + datetime.timedelta(days=night + 1)
    report = DriftReport(
        id=uuid.uuid4(),
        model_id=model.id,
        reference_set_id=reference_set.id,
        window_start=end - datetime.timedelta(days=periods),
        window_end=end,
        periods=periods,
        origin="nightly",
        verdict=verdict,
        p_value=p_value,
        level=level,
        rows=rows,
        sampled_rows=min(rows, 5_000),
        cause=cause,
        problem=problem,
        evidence=_evidence(moved or {}, shares, cause),
        views=[_view(*view, p_value) for view in VIEWS] if p_value is not None else [],
        gallery=gallery or [],
        inputs=_inputs(reference_set, rows),
        evidently_uri=evidently_uri,
        created_at=end + datetime.timedelta(minutes=15),
    )
    session.add(report)
    session.flush()
    figures = {"p_value": p_value or 1.0, "rows": float(rows)}
    session.add_all(DriftMetric(report_id=report.id, name=n, value=v) for n, v in figures.items())
    session.flush()
    return report


def _view(name: str, group: str, p_value: float | None) -> dict[str, Any]:
    spread = (1 + len(name) % 5) / 3
    found = min(1.0, (p_value or 1.0) * spread)
    return {"name": name, "group": group, "p_value": found, "effect": round(0.4 / spread, 3)}


def _evidence(
    moved: dict[str, float], shares: tuple[float, ...], cause: str | None
) -> dict[str, Any]:
    return {
        "covariates": [
            {
                "name": name,
                "reference": value,
                "night": value * (1 + 0.1 * moved.get(name, 0.05)),
                "effect": moved.get(name, 0.05),
            }
            for name, value in COVARIATES
        ],
        "classes": [
            {"class": name.value, "reference": reference, "night": night}
            for name, reference, night in zip(CLASSES, REFERENCE_SHARES, shares, strict=True)
        ],
        "cause": {"largest_covariate_effect": max(moved.values(), default=0.05)} if cause else {},
        "harm": {},
    }


def _inputs(reference_set: ReferenceSet, rows: int) -> dict[str, Any]:
    return {
        "reference_rows": reference_set.rows,
        "night_rows": rows,
        "content_hash": reference_set.content_hash,
        "seed": 20_261_122,
        "code_version": "0.1.0",
    }
