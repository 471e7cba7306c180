"""What judging one window found, before it becomes rows."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mycovigil.db.report import ReportVerdict
from mycovigil.references.feature_rows import Rows
from mycovigil.references.window import Window
from mycovigil_statistics import DriftResult, FittedReference
from mycovigil_worker.nights.novelty import Scale
from mycovigil_worker.nights.window_totals import Totals
from mycovigil_worker.references.fitted import Reference
from mycovigil_worker.report.slices import Slices


class Origin(StrEnum):
    """Who asked. Only the nightly test spends alarm budget and may open an incident for drift."""

    NIGHTLY = "nightly"
    REQUEST = "request"
    BACKFILL = "backfill"


PLANNED = (Origin.NIGHTLY, Origin.BACKFILL)
"""Of windows that stand in the plan, each of them once."""


@dataclass(frozen=True, slots=True)
class Commission:
    """One report to make: a window of a model against a reference set at a level, and its slices
    together at another (0 tests none); without a set the report says so."""

    model_id: uuid.UUID
    reference_set_id: uuid.UUID | None
    window: Window
    level: float
    slice_level: float
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The two samples and what the test said about them. ``span``: the window with the
    insufficient nights pooled into it; ``scale``: what novelty was scored by."""

    reference: Reference
    night: Rows
    totals: Totals
    span: Window
    fitted: FittedReference
    judgement: DriftResult
    slices: Slices
    scale: Scale


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A report's content. ``comparison`` is empty where no test could be made."""

    verdict: ReportVerdict
    as_of: datetime
    rows: int = 0
    sampled_rows: int = 0
    late_rows: int = 0
    problem: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    comparison: Comparison | None = None
