"""Drift reports: one verdict a (model, reference set, window), with inputs pinned for replay."""

import datetime
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Double, Instant, Json, Key, one_of
from mycovigil.db.baseline import Baseline


class ReportVerdict(StrEnum):
    CALM = "calm"
    DRIFT = "drift"
    INSUFFICIENT = "insufficient"
    FAILED = "failed"
    NO_REFERENCE = "no_reference"
    LEARNING = "learning"


# These say nothing about drift; a window with such a report is judged again on request.
UNJUDGED = (ReportVerdict.FAILED, ReportVerdict.NO_REFERENCE)


class DriftReport(Base):
    """``periods``: whole nights of the window, 0 for one asked for that is not made of nights.
    ``level`` is the share of the month's false-alarm budget this test was given; ``drift``
    means ``p_value <= level``, or that a predicted class drifted by itself (``evidence.slices``).
    ``learning``: the baseline has too few days to say; it never pages.
    ``p_value`` is the larger of ``p_rows`` (by rows of the baseline's days) and ``p_days`` (by its
    days); ``ratio``: the shift over what days vary by, ``rank`` among the ``days`` of the baseline
    and this one, ``detectable``: the smallest ratio that would have been seen.
    ``failed`` carries its ``problem`` in plain words, and
    ``no_reference`` has nothing to compare with. ``realised``: what labels that came later say
    about this window, in place of the estimates; empty until one does. ``failures``: how often the
    nightly run failed to judge it; ``retry_at``: when it tries again, null if it does not."""

    __tablename__ = "drift_reports"
    __table_args__ = (
        UniqueConstraint(
            "model_id",
            "reference_set_id",
            "window_start",
            "window_end",
            name="uq_drift_reports_window",
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "model_id", "window_end"),
        Index(None, "window_end", "id"),
        one_of("verdict", ReportVerdict),
    )

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"))
    reference_set_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reference_sets.id"))
    window_start: Mapped[Instant]
    window_end: Mapped[Instant]
    periods: Mapped[int]
    origin: Mapped[str]
    verdict: Mapped[str]
    p_value: Mapped[Double | None]
    level: Mapped[Double | None]
    rows: Mapped[int]
    sampled_rows: Mapped[int]
    late_rows: Mapped[int] = mapped_column(default=0, server_default="0")
    cause: Mapped[str | None]
    problem: Mapped[str | None]
    evidence: Mapped[Json]
    views: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    gallery: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    inputs: Mapped[Json]
    p_days: Mapped[Double | None]
    p_rows: Mapped[Double | None]
    ratio: Mapped[Double | None]
    rank: Mapped[int | None]
    days: Mapped[int | None]
    detectable: Mapped[Double | None]
    baseline_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Baseline.id))
    realised: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    evidently_uri: Mapped[str | None]
    snapshot_uri: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    retry_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]


class DriftMetric(Base):
    """One number of a report, for trends: p-values, effects, covariate means, class shares."""

    __tablename__ = "drift_metrics"

    report_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("drift_reports.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Double]


class ReportRequest(Base):
    """A person asked for a window to be judged now; the worker's nightly tick drains these.

    Waiting while ``handled_at`` is empty; then either ``report_id`` or ``problem`` says how it
    went. At most one waiting request a (model, window): asking twice is asking once.
    """

    __tablename__ = "report_requests"
    __table_args__ = (
        Index(
            "ix_report_requests_one_waiting",
            "model_id",
            "window_start",
            "window_end",
            unique=True,
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("models.id"))
    window_start: Mapped[Instant]
    window_end: Mapped[Instant]
    requested_by: Mapped[str]
    created_at: Mapped[CreatedAt]
    handled_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    report_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("drift_reports.id"))
    problem: Mapped[str | None]


class Comparison(Base):
    """A pair to compare; the worker's tick answers it.

    Either two stretches of the days of ``model_id``'s encoder, seen as that model answers them, or
    two reference sets: the second is judged beside the first. Waiting while ``handled_at`` is
    empty; then either ``result`` or ``problem`` says how it went. One row a pair: a result does not
    change, and a pair that ended in a problem is tried again when somebody asks again.
    """

    __tablename__ = "comparisons"
    __table_args__ = (
        Index(
            "ix_comparisons_one_a_pair",
            "model_id",
            "first_start",
            "first_end",
            "second_start",
            "second_end",
            "first_set_id",
            "second_set_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "num_nonnulls(model_id, first_start, first_end, second_start, second_end) = "
            "CASE WHEN first_set_id IS NULL THEN 5 ELSE 0 END "
            "AND num_nonnulls(first_set_id, second_set_id) <> 1",
            name="stretches_or_sets",
        ),
        CheckConstraint(
            "first_start < first_end AND second_start < second_end", name="stretch_lasts"
        ),
    )

    id: Mapped[Key]
    model_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("models.id"))
    first_start: Mapped[Instant | None]
    first_end: Mapped[Instant | None]
    second_start: Mapped[Instant | None]
    second_end: Mapped[Instant | None]
    first_set_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("reference_sets.id", ondelete="CASCADE")
    )
    second_set_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("reference_sets.id", ondelete="CASCADE")
    )
    requested_by: Mapped[str]
    created_at: Mapped[CreatedAt]
    handled_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    problem: Mapped[str | None]

    @property
    def state(self) -> str:
        """``waiting``, ``done`` (see ``result``) or ``failed`` (see ``problem``)."""
        if self.handled_at is None:
            return "waiting"
        return "done" if self.result is not None else "failed"
