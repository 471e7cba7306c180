"""What a report holds beside its verdict: evidence, and of a drift its cause, harm and photos.

Each part is made by itself. One that crashes is left out and the report names it: an explanation
must not cost the verdict.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_statistics.drift.cause.explain import Cause, explain
from mycovigil_worker.judging.failures import OptionalParts
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.report import beside_days, clusters, evidence, gallery, harm
from mycovigil_worker.report.one_client import Search

UNKNOWN = "unknown"


def add(
    session: Session,
    report: DriftReport,
    comparison: Comparison,
    parts: OptionalParts,
    search: Search,
    *,
    seed: int,
) -> None:
    """Fill in the report's views, evidence, cause and gallery; only a drift has the latter two."""
    drifted = report.verdict == ReportVerdict.DRIFT
    report.views = beside_days.views(comparison)
    makers = _of_any_window(session, comparison)
    if drifted:
        makers |= _of_a_drift(session, comparison, seed)
        makers["one_client"] = lambda: _one_client(report, comparison, search, seed)
    tried = {name: parts.make(name, _storable(part), session) for name, part in makers.items()}
    made = {name: found for name, found in tried.items() if found is not None}
    report.gallery = made.pop("gallery", [])
    report.cause = made.get("cause", {}).get("kind", UNKNOWN) if drifted else None
    report.evidence = made


def _storable(part: Callable[[], Any]) -> Callable[[], Any]:
    """The part, which fails on what JSON cannot hold now and not when the row is written."""

    def made() -> Any:
        found = part()
        json.dumps(found, allow_nan=False)
        return found

    return made


def _of_any_window(session: Session, comparison: Comparison) -> dict[str, Callable[[], Any]]:
    return {
        "covariates": lambda: evidence.covariates(comparison),
        "classes": lambda: evidence.classes(comparison),
        "warnings": lambda: evidence.warnings(comparison),
        "clusters": lambda: clusters.changed(session, comparison),
        "slices": comparison.slices.documents,
        "skew": lambda: comparison.skew.document() if comparison.skew else None,
        "days": lambda: beside_days.document(comparison),
    }


def _of_a_drift(
    session: Session, comparison: Comparison, seed: int
) -> dict[str, Callable[[], Any]]:
    threshold = comparison.scale.threshold
    return {
        "cause": lambda: asdict(_cause(comparison, seed)),
        "harm": lambda: harm.estimated(comparison, threshold, seed=seed).document(),
        "gallery": lambda: gallery.gathered(session, comparison, comparison.fitted, seed=seed),
    }


def _one_client(
    report: DriftReport, comparison: Comparison, search: Search, seed: int
) -> dict[str, Any] | None:
    level = report.level or 0.0
    found = search.found(report.model_id, comparison, level, seed)
    return found.document() if found else None


def _cause(comparison: Comparison, seed: int) -> Cause:
    """What changed since the baseline's days; beside the training set, from which every night may
    differ, only where no rows of the days are left."""
    night = comparison.night
    rows = comparison.days.rows if comparison.days else None
    return explain(
        rows.fitted if rows else comparison.fitted,
        rows.result if rows else comparison.result,
        *night.arrays,
        groups=night.dependent,
        seed=seed,
    )
