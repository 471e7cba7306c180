"""Reference sets: made from calm production, frozen, retired; and which one serves when.

Whoever opened the session commits. A set that a training run froze is made in training.
"""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident, IncidentKind, IncidentState
from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.incidents import audit
from mycovigil.references.copy_photos import copy_photos
from mycovigil.references.window import Window

# The test needs as many (`mycovigil_statistics.drift.reference`).
LEAST_ROWS = 100
MOST_ROWS = 10_000


class NotUsable(ValueError):
    """No reference set can be made of this, or the set cannot take this step; says why."""


def active(session: Session, at: datetime.datetime) -> dict[uuid.UUID, ReferenceSet]:
    """The reference set of each model at a moment: the newest frozen one for the moment's month, or
    else the newest one without months."""
    found = session.scalars(
        select(ReferenceSet)
        .where(ReferenceSet.frozen_at.is_not(None), ReferenceSet.retired_at.is_(None))
        .order_by(ReferenceSet.frozen_at, ReferenceSet.id)
    ).all()
    month = at.astimezone(datetime.UTC).month
    plain = {row.model_id: row for row in found if not row.months}
    return plain | {row.model_id: row for row in found if row.months and month in row.months}


def freeze(session: Session, row: ReferenceSet, *, who: str) -> None:
    """Let nights be compared with it from now on; a frozen one stays as it is.

    Raises:
        NotUsable: it was retired, or is too small.
    """
    session.refresh(row, with_for_update=True)
    if row.retired_at is not None:
        raise NotUsable(f"reference set {row.name} was retired; make a new one")
    if row.rows < LEAST_ROWS:
        raise NotUsable(
            f"reference set {row.name} has {row.rows} rows, at least {LEAST_ROWS} are needed"
        )
    if row.frozen_at is None:
        row.frozen_at = _now()
        audit.record(session, who=who, action="froze the reference set", on=row)
        session.flush()


def retire(session: Session, row: ReferenceSet, *, who: str) -> None:
    """Compare no further night with it; its reports keep their verdicts."""
    session.refresh(row, with_for_update=True)
    if row.retired_at is None:
        row.retired_at = _now()
        audit.record(session, who=who, action="retired the reference set", on=row)
        session.flush()


def from_production(
    session: Session,
    model: Model,
    spans: Sequence[Window],
    *,
    name: str,
    rows: int = MOST_ROWS,
    months: Sequence[int] | None = None,
    any_model: bool = False,
    accept_drift: bool = False,
) -> ReferenceSet:
    """A draft of at most ``rows`` random predictions of the spans, with the truth of their labels.

    Args:
        months: the set serves in these months only.
        any_model: take rows of every model with this encoder but the demo model; their
            probabilities are those of their own model until they are computed again.
        accept_drift: take a stretch although a report, of a night or of a longer window, found
            drift in it.

    Raises:
        NotUsable: the demo model, no span, one that is not over, a day of an open incident or a
            drift in it, or too few rows.
    """
    if model.demo:
        raise NotUsable(
            "what the demo model was sent is no reference: train a model on real photos first"
        )
    _require_over(spans)
    _require_no_incident(session, model, spans)
    if not accept_drift:
        _require_calm(session, model, spans)
    made = ReferenceSet(
        id=new_id(),
        name=name,
        source="production",
        model_id=model.id,
        encoder_id=model.encoder_id,
        content_hash="",
        rows=0,
        months=sorted(set(months)) if months else None,
        recipe=_recipe(spans, rows, any_model=any_model),
    )
    session.add(made)
    session.flush()
    whose = and_(Prediction.encoder_id == model.encoder_id, not_of_demo())
    if not any_model:
        whose = and_(whose, Prediction.model_id == model.id)
    made.rows = copy_photos(session, made.id, and_(whose, within(spans)), rows)
    if made.rows < LEAST_ROWS:
        raise NotUsable(
            f"{made.rows} predictions lie in the stretch, at least {LEAST_ROWS} are needed"
        )
    seal(session, made)
    return made


def seal(session: Session, row: ReferenceSet) -> None:
    """Hash what the set holds: features, probabilities, labels and photos, by ordinal."""
    parts = func.convert_to(
        func.concat_ws(
            ":",
            ReferenceSample.label,
            ReferenceSample.image_sha256,
            cast(ReferenceSample.probabilities, String),
        ),
        "UTF8",
    )
    whole = func.halfvec_send(ReferenceSample.features).concat(parts)
    ordered = aggregate_order_by(literal(b""), ReferenceSample.ordinal)
    digest = func.sha256(func.string_agg(whole, ordered))
    row.content_hash = session.scalars(
        select(func.encode(digest, "hex")).where(ReferenceSample.reference_set_id == row.id)
    ).one()
    session.flush()


def same_months(months: Sequence[int], before: datetime.datetime, years: int) -> list[Window]:
    """Those months of the given number of earlier years, oldest first."""
    spans = []
    for year in range(before.year - years, before.year + 1):
        for month in sorted(set(months)):
            start = datetime.datetime(year, month, 1, tzinfo=datetime.UTC)
            end = (start + datetime.timedelta(days=32)).replace(day=1)
            if end <= before:
                spans.append(Window(start, end))
    return spans


def not_of_demo() -> ColumnElement[bool]:
    """Predictions that another than the demo model answered."""
    return Prediction.model_id.not_in(select(Model.id).where(Model.demo))


def within(spans: Sequence[Window]) -> ColumnElement[bool]:
    """Predictions of any of the spans; none if there is no span."""
    return or_(
        false(),
        *(
            and_(Prediction.created_at >= span.start, Prediction.created_at < span.end)
            for span in spans
        ),
    )


def _require_over(spans: Sequence[Window]) -> None:
    if not spans:
        raise NotUsable("no stretch of production was named, or none of those months is over")
    latest = max(span.end for span in spans)
    if latest > _now():
        raise NotUsable(f"the stretch ends at {latest:%Y-%m-%d %H:%M} UTC, which is not over yet")


def _require_calm(session: Session, model: Model, spans: Sequence[Window]) -> None:
    overlapping = or_(
        *(
            and_(DriftReport.window_start < span.end, DriftReport.window_end > span.start)
            for span in spans
        )
    )
    drifted = session.execute(
        select(DriftReport.window_start, DriftReport.periods)
        .where(
            DriftReport.model_id == model.id,
            DriftReport.verdict == ReportVerdict.DRIFT,
            overlapping,
        )
        .order_by(DriftReport.window_start, DriftReport.window_end)
    ).all()
    if drifted:
        what = "nights" if all(periods == 1 for _, periods in drifted) else "windows"
        raise NotUsable(
            f"{len(drifted)} {what} of the stretch drifted, the first on {drifted[0][0]:%Y-%m-%d}: "
            "choose a calm one, or accept the drift"
        )


def _require_no_incident(session: Session, model: Model, spans: Sequence[Window]) -> None:
    """Days since an incident began are no reference while it is open, calm or not; also for the
    model that it was opened of, where another has taken it over."""
    since = session.scalar(
        select(func.min(DriftReport.window_start))
        .join(Incident, Incident.report_id == DriftReport.id)
        .where(
            (Incident.model_id == model.id) | (DriftReport.model_id == model.id),
            Incident.kind == IncidentKind.DRIFT,
            Incident.state != IncidentState.RESOLVED,
        )
    )
    if since is not None and any(span.end > since for span in spans):
        raise NotUsable(
            f"a drift that began on {since:%Y-%m-%d} is open: its days enter no reference set. "
            "Choose earlier ones, or end the incident first"
        )


def _recipe(spans: Sequence[Window], rows: int, *, any_model: bool) -> dict[str, Any]:
    return {
        "kind": "production",
        "spans": [[span.start.isoformat(), span.end.isoformat()] for span in spans],
        "most_rows": rows,
        "any_model": any_model,
    }


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
