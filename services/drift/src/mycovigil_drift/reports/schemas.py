"""Drift reports and requests for them, over the wire."""

import datetime
import uuid
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mycovigil.db.report import ReportRequest, ReportVerdict
from mycovigil_drift.models.schemas import ModelRef
from mycovigil_drift.pagination import PageQuery


class ReportQuery(PageQuery):
    model: str | None = Field(None, description="Id or version.")
    verdict: ReportVerdict | None = None
    periods: int | None = Field(
        None, ge=0, description="Nights of the window; 1 for a night, 0 for parts of nights."
    )
    since: AwareDatetime | None = Field(None, description="Windows that end after it.")
    until: AwareDatetime | None = Field(None, description="Windows that start before it.")


class ReportSummary(BaseModel):
    """``drift`` means ``p_value <= level``, or that a predicted class drifted by itself;
    ``failed`` says why in ``problem``."""

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
    rows: int
    sampled_rows: int
    late_rows: int
    cause: str | None
    problem: str | None
    created_at: datetime.datetime


class ReportOut(ReportSummary):
    """With everything the verdict rests on, and where to walk from here."""

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
    """Photos most responsible, worst first, each with its nearest reference photos."""

    report_id: uuid.UUID
    photos: list[dict[str, Any]]


class ReportRequestIn(BaseModel):
    """A window to judge now; half-open, UTC or with an offset."""

    model_config = ConfigDict(extra="forbid")
    model_id: uuid.UUID
    window_start: AwareDatetime
    window_end: AwareDatetime


class ReportRequestOut(BaseModel):
    """``state``: waiting, done (see ``report_id``) or failed (see ``problem``)."""

    id: uuid.UUID
    state: str
    model_id: uuid.UUID
    window_start: datetime.datetime
    window_end: datetime.datetime
    requested_by: str
    created_at: datetime.datetime
    handled_at: datetime.datetime | None
    report_id: uuid.UUID | None
    problem: str | None

    @classmethod
    def of(cls, row: ReportRequest) -> "ReportRequestOut":
        return cls(state=_state(row), **{name: getattr(row, name) for name in _STORED})


def _state(row: ReportRequest) -> str:
    if row.handled_at is None:
        return "waiting"
    return "done" if row.report_id is not None else "failed"


_STORED = ReportRequestOut.model_fields.keys() - {"state"}
