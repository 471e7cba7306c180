"""Reference sets and drift reports."""

import datetime
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict

FIRST_NIGHT = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
NIGHT = datetime.timedelta(days=1)


def make_reference_set(session: Session, model: Model, **values: Any) -> ReferenceSet:
    reference = ReferenceSet(
        **{
            "id": new_id(),
            "name": "reference",
            "source": "training",
            "model_id": model.id,
            "encoder_id": model.encoder_id,
            "content_hash": "0" * 64,
            "rows": 1_000,
            "frozen_at": FIRST_NIGHT,
        }
        | values
    )
    session.add(reference)
    session.flush()
    return reference


def make_report(
    session: Session,
    model: Model,
    reference: ReferenceSet | None,
    *,
    night: int = 0,
    verdict: ReportVerdict = ReportVerdict.CALM,
    **values: Any,
) -> DriftReport:
    start = FIRST_NIGHT + night * NIGHT
    report = DriftReport(
        **{
            "id": new_id(),
            "model_id": model.id,
            "reference_set_id": reference.id if reference else None,
            "window_start": start,
            "window_end": start + NIGHT,
            "periods": 1,
            "origin": "nightly",
            "verdict": verdict,
            "p_value": 0.0001 if verdict is ReportVerdict.DRIFT else 0.4,
            "level": 0.0013,
            "rows": 200,
            "sampled_rows": 200,
            "cause": "novel_species" if verdict is ReportVerdict.DRIFT else None,
            "evidence": {},
            "views": [],
            "gallery": [],
            "inputs": {},
        }
        | values
    )
    session.add(report)
    session.flush()
    return report
