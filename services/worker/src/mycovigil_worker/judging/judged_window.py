"""A window to judge, and what judging it found, before it becomes rows."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mycovigil.db.report import ReportVerdict
from mycovigil.references.feature_rows import Rows
from mycovigil.references.window import Window
from mycovigil_statistics import DriftResult, FittedReference
from mycovigil_worker.days.judgement import DaysJudged
from mycovigil_worker.judging.skew import Skew
from mycovigil_worker.judging.slices import Slices
from mycovigil_worker.judging.window_totals import Totals
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.references.novelty import NoveltyScale


class Origin(StrEnum):
    """Why a report is made. Only ``nightly`` spends alarm budget and may open an incident."""

    NIGHTLY = "nightly"
    REQUEST = "request"
    BACKFILL = "backfill"


# Origins of windows of the schedule; each of these is judged once.
PLANNED = (Origin.NIGHTLY, Origin.BACKFILL)


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """One report to make: a window of a model against a reference set at ``level``.

    ``slice_level`` is the level of all slices together; at 0 none is tested. Without a reference
    set the report says that there is none.
    """

    model_id: uuid.UUID
    reference_set_id: uuid.UUID | None
    window: Window
    level: float
    slice_level: float
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The window's sample beside the training reference set, and beside the baseline's days.

    ``span`` is the window with the insufficient nights that are pooled into it; ``result``: of the
    exact test beside the reference set, which says how large the ``skew`` is; ``days``: of the test
    that decides, none where two sets are compared.
    """

    reference: Reference
    night: Rows
    totals: Totals
    span: Window
    fitted: FittedReference
    result: DriftResult
    slices: Slices
    scale: NoveltyScale
    skew: Skew | None = None
    days: DaysJudged | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JudgedWindow:
    """Verdict and figures of a window; ``comparison`` is empty where no test could be made."""

    verdict: ReportVerdict
    as_of: datetime
    rows: int = 0
    sampled_rows: int = 0
    late_rows: int = 0
    problem: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    comparison: Comparison | None = None
