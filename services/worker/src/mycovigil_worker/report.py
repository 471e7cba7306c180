"""Write one report: its row, its numbers, and the incident it calls for, in one transaction."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from mycovigil import incident
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil_worker import clusters, evidence, evidently_report, explanation, numbers
from mycovigil_worker.explanation import Explanation
from mycovigil_worker.harm import Safety
from mycovigil_worker.outcome import Commission, Comparison, Origin, Outcome
from mycovigil_worker.place import placed


def write(
    session: Session,
    storage: Storage,
    drift: DriftSettings,
    commission: Commission,
    outcome: Outcome,
) -> DriftReport:
    """Add the report to the caller's transaction; pages are in storage before the row is."""
    report = placed(session, commission, _values(commission, outcome))
    found: Explanation | None = None
    if outcome.comparison is not None:
        if outcome.verdict is ReportVerdict.DRIFT:
            found = explanation.explained(session, outcome.comparison, seed=drift.seed)
        kinds = clusters.changed(session, outcome.comparison)
        _describe(report, outcome.comparison, kinds, found)
        pages = evidently_report.stored(storage, report.id, outcome.comparison, commission)
        report.evidently_uri, report.snapshot_uri = pages.html, pages.snapshot
    session.flush()
    numbers.keep(session, report.id, _numbers(report))
    if commission.origin is Origin.NIGHTLY and _is_production(session, commission.model_id):
        incident.respond(session, report, harmful=found is not None and found.harmful)
    session.flush()
    return report


def adopt(session: Session, report: DriftReport) -> None:
    """Make a report that a person asked for the nightly one: its window is now due by itself.

    It was judged at the level of the plan, so the verdict stands and may wake somebody.
    """
    report.origin = Origin.NIGHTLY.value
    if _is_production(session, report.model_id):
        safety = report.evidence.get("harm", {}).get("safety")
        incident.respond(session, report, harmful=safety == Safety.AFFECTED)
    session.flush()


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
    report: DriftReport,
    comparison: Comparison,
    kinds: list[dict[str, Any]],
    found: Explanation | None,
) -> None:
    report.views = [
        {"name": v.name, "group": v.group, "p_value": v.p_value, "effect": v.effect}
        for v in comparison.judgement.views
    ]
    report.evidence = {
        "covariates": evidence.covariates(comparison),
        "classes": evidence.classes(comparison),
        "warnings": evidence.warnings(comparison),
        "clusters": kinds,
        "slices": comparison.slices.documents(),
    }
    if found is not None:
        report.cause = found.cause
        report.gallery = found.gallery
        report.evidence = report.evidence | {"cause": found.evidence, "harm": found.harm.document()}


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


def _is_production(session: Session, model_id: uuid.UUID) -> bool:
    """An archived model's nights are still told, but nobody is woken for them.

    The row stays locked until the commit: a promotion waits, and finds the incident to end.
    """
    model = session.get_one(Model, model_id, with_for_update={"key_share": True})
    return model.status == ModelStatus.PRODUCTION
