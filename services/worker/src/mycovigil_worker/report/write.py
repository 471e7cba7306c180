"""Write one report: its row, its numbers, and the incident it calls for, in one transaction."""

from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.model import ModelStatus
from mycovigil.db.report import DriftReport
from mycovigil.incidents import incident
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil_worker.nights.failures import Attempts
from mycovigil_worker.nights.outcome import Commission, Comparison, Origin, Outcome
from mycovigil_worker.report import evidently_report, explanation, metrics
from mycovigil_worker.report.harm import Safety
from mycovigil_worker.report.row import placed


def write(
    session: Session,
    storage: Storage,
    drift: DriftSettings,
    commission: Commission,
    outcome: Outcome,
) -> DriftReport:
    """Add the report to the caller's transaction; pages are in storage before the row is."""
    report = placed(session, commission, _values(commission, outcome))
    session.flush()
    if outcome.comparison is not None:
        _describe(session, storage, drift, commission, report, outcome.comparison)
    session.flush()
    metrics.keep(session, report.id, _numbers(report))
    if commission.origin is Origin.NIGHTLY:
        _respond(session, report)
    return report


def adopt(session: Session, report: DriftReport) -> None:
    """Make a report that a person asked for the nightly one: its window is now due by itself.

    It was judged at the level of the plan, so the verdict stands and may wake somebody.
    """
    report.origin = Origin.NIGHTLY.value
    _respond(session, report)


def _values(commission: Commission, outcome: Outcome) -> dict[str, Any]:
    judgement = outcome.comparison.judgement if outcome.comparison else None
    return {
        "model_id": commission.model_id,
        "reference_set_id": commission.reference_set_id,
        "window_start": commission.window.start,
        "window_end": commission.window.end,
        "periods": commission.window.periods,
        "origin": commission.origin.value,
        "verdict": outcome.verdict.value,
        "p_value": judgement.p_value if judgement else None,
        "level": commission.level,
        "rows": outcome.rows,
        "sampled_rows": outcome.sampled_rows,
        "late_rows": outcome.late_rows,
        "problem": outcome.problem,
        "evidence": {},
        "views": [],
        "gallery": [],
        "inputs": outcome.inputs,
    }


def _describe(
    session: Session,
    storage: Storage,
    drift: DriftSettings,
    commission: Commission,
    report: DriftReport,
    comparison: Comparison,
) -> None:
    attempts = Attempts(session)
    explanation.added(session, report, comparison, attempts, seed=drift.seed)
    pages = attempts.make(
        "Evidently's page",
        lambda: evidently_report.stored(storage, report.id, comparison, commission),
    )
    if pages is not None:
        report.evidently_uri, report.snapshot_uri = pages.html, pages.snapshot
    warnings = report.evidence.get("warnings", []) + attempts.missing
    report.evidence = report.evidence | {"warnings": warnings}


def _numbers(report: DriftReport) -> dict[str, float | None]:
    """By name: ``p_value``, ``view.<name>.p_value``, ``covariate.<name>.effect``, …"""
    values: dict[str, float | None] = {
        "p_value": report.p_value,
        "rows": float(report.rows),
        "sampled_rows": float(report.sampled_rows),
        "late_rows": float(report.late_rows),
    }
    for view in report.views:
        values[f"view.{view['name']}.p_value"] = view["p_value"]
        values[f"view.{view['name']}.effect"] = view["effect"]
    parts: dict[str, Any] = report.evidence
    for row in parts.get("covariates", []):
        values[f"covariate.{row['name']}.mean"] = row["night"]
        values[f"covariate.{row['name']}.effect"] = row["effect"]
        values[f"covariate.{row['name']}.spread"] = row["spread"]
    for row in parts.get("classes", []):
        values[f"class.{row['class']}.share"] = row["night"]
    for row in parts.get("clusters", []):
        values[f"cluster.{row['cluster']}.share"] = row["night"]
    return values


def _respond(session: Session, report: DriftReport) -> None:
    """An archived model's nights are still told, but nobody is woken for them."""
    model = incident.locked_model(session, report.model_id)
    if model.status == ModelStatus.PRODUCTION:
        safety = report.evidence.get("harm", {}).get("safety")
        incident.respond(session, report, harmful=safety == Safety.AFFECTED)
        session.flush()
