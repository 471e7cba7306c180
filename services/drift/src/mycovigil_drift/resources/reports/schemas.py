"""JSON of drift reports, and the filters of their lists."""

import datetime
import uuid
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mycovigil.db.report import ReportVerdict
from mycovigil_drift.pagination import PageQuery
from mycovigil_drift.resources.models import ModelRef


class ReportQuery(PageQuery):
    model: str | None = Field(None, description="Id or version.")
    verdict: ReportVerdict | None = None
    periods: int | None = Field(
        None, ge=0, description="Nights of the window; 1 for a night, 0 for parts of nights."
    )
    since: AwareDatetime | None = Field(None, description="Windows that end after it.")
    until: AwareDatetime | None = Field(None, description="Windows that start before it.")


class ReportSummary(BaseModel):
    """``drift``: ``p_value <= level``, the larger of ``p_days`` and ``p_rows``; ``learning``: fewer
    than three days to compare with; ``failed``: the reason is in ``problem``."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID
    reference_set_id: uuid.UUID | None
    window_start: datetime.datetime
    window_end: datetime.datetime
    periods: int
    origin: str
    verdict: ReportVerdict
    p_value: float | None
    level: float | None
    p_days: float | None = Field(
        description="By the days of the baseline: a model of how they vary."
    )
    p_rows: float | None = Field(description="Exact test beside rows of the baseline's days.")
    ratio: float | None = Field(description="The shift over what the days vary by.")
    rank: int | None = Field(description="1: farther from the days than any of them.")
    days: int | None = Field(description="Days that were compared with.")
    detectable: float | None = Field(description="The smallest ratio that would have been seen.")
    baseline_id: uuid.UUID | None
    rows: int
    sampled_rows: int
    late_rows: int
    cause: str | None
    problem: str | None
    created_at: datetime.datetime


class ReportOut(ReportSummary):
    """The report with its evidence and links to what belongs to it."""

    model: ModelRef
    views: list[dict[str, Any]]
    evidence: dict[str, Any]
    realised: dict[str, Any] | None
    inputs: dict[str, Any]
    metrics: dict[str, float]
    incident_id: uuid.UUID | None
    evidently: str | None = Field(description="Address of Evidently's page, where there is one.")
    gallery: str = Field(description="Address of the photos most responsible.")


class GalleryOut(BaseModel):
    """The photos least like the reference, worst first, each with its nearest reference photos."""

    report_id: uuid.UUID
    photos: list[dict[str, Any]]
