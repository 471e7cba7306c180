"""Recompute a report from its pinned inputs and compare the p-values."""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.baselines.packed import Damaged
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil.references.feature_rows import SLICES, Rows
from mycovigil.references.window import Window
from mycovigil.storage import Storage
from mycovigil_statistics.drift.slices import PREDICTED_CLASS
from mycovigil_worker.judging import slices
from mycovigil_worker.judging.judge import CODE_VERSION
from mycovigil_worker.judging.sample import sampled
from mycovigil_worker.nights import replay_days
from mycovigil_worker.references import fitted as references
from mycovigil_worker.references import novelty
from mycovigil_worker.references.novelty import NoveltyScale

# Of reports from before slices that page had a level of their own.
EVERY_DIMENSION = (PREDICTED_CLASS, *SLICES)


class NotReplayable(LookupError):
    """There is no such report, or it holds no test; the message says which."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What is recorded beside what comes out now; a predicted class may be what drifted, so the
    slices belong to it."""

    recorded_p_value: float
    p_value: float
    same_rows: bool
    same_slices: bool
    recorded_code: str
    code: str

    @property
    def reproduced(self) -> bool:
        same_p = _alike(self.p_value, self.recorded_p_value)
        return self.same_rows and same_p and self.same_slices


def replayed(session: Session, storage: Storage, report_id: uuid.UUID) -> Replay:
    """Judge again from the stored sketches; a report from before them, from the rows as they are.

    ``same_rows`` is false where sketches are gone or changed, and in reports from before them where
    rows of the sample have gone (retention) or came since.

    Raises:
        NotReplayable: no such report, or none with a test in it.
    """
    report = session.get(DriftReport, report_id)
    if report is None:
        raise NotReplayable(f"there is no report {report_id}")
    if report.p_value is None or report.reference_set_id is None:
        raise NotReplayable(f"report {report_id} is {report.verdict}: no test was made")
    inputs = report.inputs
    reference = references.loaded(session, session.get_one(ReferenceSet, report.reference_set_id))
    start = datetime.fromisoformat(inputs["pooled_from"])
    span = Window(start, report.window_end, report.periods)
    as_of = datetime.fromisoformat(inputs["as_of"])
    night = sampled(
        session,
        report.model_id,
        span,
        inputs["sample_rows"],
        as_of,
        reference_set_id=report.reference_set_id,
        as_logged="photos" not in inputs,
    )
    scale = _scale(session, storage, report)
    if inputs.get("sketches") and scale is not None:
        return _beside_days(session, storage, report, night, scale)
    fitted = references.fitted_now(reference, scale, inputs["seed"])
    judgement = references.judged(fitted, night, scale, inputs["seed"], level=inputs["level"])
    parts = slices.judged(
        fitted,
        night,
        scale.scores(night) if scale else None,
        level=inputs.get("slice_level", 0.0),
        paging=inputs.get("paging_slices", EVERY_DIMENSION),
        drifted=judgement.p_value <= inputs["level"],
        seed=inputs["seed"],
    )
    return Replay(
        recorded_p_value=report.p_value,
        p_value=judgement.p_value,
        same_rows=night.digest(scores=scale is not None) == inputs["night_hash"],
        same_slices=_same(report.evidence.get("slices", []), parts.documents()),
        recorded_code=inputs["code_version"],
        code=CODE_VERSION,
    )


def _beside_days(
    session: Session, storage: Storage, report: DriftReport, night: Rows, scale: NoveltyScale
) -> Replay:
    """Of the slices the predicted classes that are compared with days, which may page."""
    try:
        found = replay_days.replayed(session, storage, report, night, scale)
    except Damaged as reason:
        raise NotReplayable(str(reason)) from reason
    recorded = [one for one in report.evidence.get("slices", []) if "days" in one]
    return Replay(
        recorded_p_value=report.p_value or 0.0,
        p_value=found.p_value,
        same_rows=found.same_sketches,
        same_slices=_same(recorded, found.classes),
        recorded_code=report.inputs["code_version"],
        code=CODE_VERSION,
    )


def _same(recorded: list[dict[str, Any]], now: list[dict[str, Any]]) -> bool:
    """The same slices with the same p-values; none where there were too few rows."""
    before, after = (
        {(row["dimension"], row["value"]): row["p_value"] for row in rows}
        for rows in (recorded, now)
    )
    return before.keys() == after.keys() and all(
        _alike(p, after[name]) for name, p in before.items()
    )


def _alike(p: float | None, other: float | None) -> bool:
    if p is None or other is None:
        return p is other
    return math.isclose(p, other, rel_tol=1e-9, abs_tol=1e-12)


def _scale(session: Session, storage: Storage, report: DriftReport) -> NoveltyScale | None:
    """What the report's novelty was scored by; nothing for one from before novelty was tested.

    Raises:
        NotReplayable: the bundle that had the scale is gone.
    """
    recorded = report.inputs.get("novelty")
    if recorded is None:
        return None
    scale = novelty.scale_of(storage, session.get_one(Model, report.model_id))
    if list(scale.names) != recorded:
        raise NotReplayable(
            f"report {report.id} scored novelty by {' and '.join(recorded)}, and the model's "
            f"bundle now gives {' and '.join(scale.names)}"
        )
    return scale
