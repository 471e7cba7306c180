"""Reports with all the documents that the worker writes beside a verdict."""

import datetime
from typing import Any

from factories.report import FIRST_NIGHT, make_report
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftMetric, DriftReport, ReportVerdict
from mycovigil.models.safety import CLASSES

REFERENCE_SHARES = (0.40, 0.22, 0.25, 0.13)
COVARIATES = (
    ("brightness", 0.45, 0.08),
    ("contrast", 0.20, 0.04),
    ("sharpness", -2.2, 0.3),
    ("colour_temperature", 5200.0, 450.0),
    ("saturation", 0.30, 0.06),
    ("width", 1600.0, 300.0),
    ("height", 1200.0, 220.0),
    ("jpeg_quality", 90.0, 4.0),
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


def make_nightly_report(
    session: Session,
    model: Model,
    reference: ReferenceSet,
    *,
    night: int = 0,
    first: datetime.datetime = FIRST_NIGHT,
    periods: int = 1,
    verdict: ReportVerdict = ReportVerdict.CALM,
    p_value: float | None = 0.41,
    rows: int = 400,
    effects: dict[str, float] | None = None,
    shares: tuple[float, ...] = REFERENCE_SHARES,
    evidence: dict[str, Any] | None = None,
    **values: Any,
) -> DriftReport:
    """``night`` counts from ``first``; ``effects`` are covariate shifts in reference sds."""
    end = first + datetime.timedelta(days=night + 1)
    report = make_report(
        session,
        model,
        reference,
        verdict=verdict,
        p_value=p_value,
        rows=rows,
        sampled_rows=min(rows, 5_000),
        periods=periods,
        window_start=end - datetime.timedelta(days=periods),
        window_end=end,
        created_at=end + datetime.timedelta(minutes=15),
        evidence=_evidence(effects or {}, shares) | (evidence or {}),
        views=[_view(*view, p_value) for view in VIEWS] if p_value is not None else [],
        inputs=_inputs(reference, rows),
        **values,
    )
    session.add_all(
        DriftMetric(report_id=report.id, name=name, value=value)
        for name, value in _figures(report).items()
    )
    session.flush()
    return report


def _view(name: str, group: str, p_value: float) -> dict[str, Any]:
    spread = (1 + len(name) % 5) / 3
    effect = round(0.4 / spread, 3)
    return {"name": name, "group": group, "p_value": min(1.0, p_value * spread), "effect": effect}


def _evidence(effects: dict[str, float], shares: tuple[float, ...]) -> dict[str, Any]:
    return {
        "covariates": [
            {
                "name": name,
                "reference": mean,
                "night": mean + deviation * effects.get(name, 0.0),
                "effect": effects.get(name, 0.0),
                "spread": 1 + abs(effects.get(name, 0.0)) / 2,
            }
            for name, mean, deviation in COVARIATES
        ],
        "classes": [
            {"class": name.value, "reference": reference, "night": night}
            for name, reference, night in zip(CLASSES, REFERENCE_SHARES, shares, strict=True)
        ],
        "warnings": [],
    }


def _inputs(reference: ReferenceSet, rows: int) -> dict[str, Any]:
    return {
        "reference_rows": reference.rows,
        "night_rows": rows,
        "content_hash": reference.content_hash,
        "seed": 20_261_122,
        "code_version": "0.1.0",
    }


def _figures(report: DriftReport) -> dict[str, float]:
    figures = {"rows": float(report.rows)}
    if report.p_value is not None:
        figures["p_value"] = report.p_value
    for row in report.evidence["covariates"]:
        figures[f"covariate.{row['name']}.effect"] = row["effect"]
    for row in report.evidence["classes"]:
        figures[f"class.{row['class']}.share"] = row["night"]
    return figures
