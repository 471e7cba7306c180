"""A judged report before it is written: its columns, filled in from a read-only snapshot."""

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.settings import DriftSettings
from mycovigil.storage import Storage
from mycovigil_worker.judging.failures import OptionalParts
from mycovigil_worker.judging.judged_window import Comparison, JudgedWindow, ReportSpec
from mycovigil_worker.report import evidently_report, explanation
from mycovigil_worker.report.one_client import Search


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """``report`` belongs to no session yet."""

    spec: ReportSpec
    report: DriftReport
    parts: OptionalParts
    comparison: Comparison | None = None

    @property
    def failed(self) -> bool:
        return self.report.verdict == ReportVerdict.FAILED


def of(spec: ReportSpec, judged: JudgedWindow, report_id: uuid.UUID) -> Draft:
    """Verdict and figures; without an explanation."""
    days = judged.comparison.days if judged.comparison else None
    result = days.result if days else None
    report = DriftReport(
        id=report_id,
        model_id=spec.model_id,
        reference_set_id=spec.reference_set_id,
        window_start=spec.window.start,
        window_end=spec.window.end,
        periods=spec.window.periods,
        origin=spec.origin.value,
        verdict=judged.verdict.value,
        p_value=result.p_value if result else None,
        level=spec.level,
        p_days=result.p_days if result else None,
        p_rows=result.p_rows if result else None,
        ratio=result.ratio if result else None,
        rank=result.rank if result else None,
        days=len(days.days) if days else None,
        detectable=result.detectable(spec.level) if result else None,
        baseline_id=days.baseline_id if days else None,
        rows=judged.rows,
        sampled_rows=judged.sampled_rows,
        late_rows=judged.late_rows,
        cause=None,
        problem=judged.problem,
        evidence={},
        views=[],
        gallery=[],
        inputs=judged.inputs,
        evidently_uri=None,
        snapshot_uri=None,
        failures=0,
        retry_at=None,
    )
    return Draft(spec, report, OptionalParts(), judged.comparison)


def explain(session: Session, draft: Draft, drift: DriftSettings, search: Search) -> None:
    """Add evidence and, of a drift, its cause, harm and photos; reads from the snapshot."""
    if draft.comparison is not None:
        explanation.add(
            session, draft.report, draft.comparison, draft.parts, search, seed=drift.seed
        )


def store_pages(storage: Storage, draft: Draft) -> None:
    """Render Evidently's page and store it under the report's id; needs no database.

    A worker that is killed after it leaves a page without a row, which retention deletes.
    """
    comparison, report = draft.comparison, draft.report
    if comparison is None:
        return
    pages = draft.parts.make(
        "Evidently's page",
        lambda: evidently_report.stored(storage, report.id, comparison, draft.spec),
    )
    if pages is not None:
        report.evidently_uri, report.snapshot_uri = pages.html, pages.snapshot
    warnings = report.evidence.get("warnings", []) + draft.parts.missing
    report.evidence = report.evidence | {"warnings": warnings}
