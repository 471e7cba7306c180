"""After a drift: the days that nights are compared with from now on.

They are the incident's own days, or accepted days of the same season of earlier years, never added
to those from before: that would inflate what days vary by. Fewer than three are learned first; of
more than a baseline holds the newest stay (:func:`mycovigil.baselines.baseline.shorten`).
"""

import datetime
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines import geometries, season
from mycovigil.baselines.baseline import NotPossible
from mycovigil.baselines.sketches import Span
from mycovigil.db.alert import Incident
from mycovigil.db.baseline import Baseline, BaselineDay, BaselineReason, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport
from mycovigil.incidents import audit

# A day with fewer independent units says little of what days differ by.
LEAST_UNITS = 5


def begin(
    session: Session,
    incident: Incident,
    reason: BaselineReason,
    *,
    accepted_by: str | None = None,
    note: str,
) -> Baseline | None:
    """Begin the baseline after the incident; none where no day of its encoder was ever sketched,
    so that the first baseline begins with the next night anyway.

    Raises:
        NotPossible: too few days of earlier years lie in this season.
    """
    encoder_id = session.get_one(Model, incident.model_id).encoder_id
    geometry = geometries.of_encoder(session, encoder_id)
    days = []
    if geometry is not None:
        seasonal = reason is BaselineReason.SEASON
        days = (season_days if seasonal else own_days)(session, incident, geometry.id)
    if reason is BaselineReason.SEASON and not days:
        raise NotPossible(
            f"fewer than {baselines.LEAST_DAYS} accepted days of earlier years lie in this month, "
            "the one before or the one after; accept the incident's own days instead"
        )
    if geometry is None:
        return None
    return baselines.begin(
        session,
        encoder_id,
        reason=reason,
        days=days,
        incident_id=incident.id,
        accepted_by=accepted_by,
        note=note,
    )


def own_days(session: Session, incident: Incident, geometry_id: uuid.UUID) -> list[Span]:
    """Days since the incident began that were sketched, in order; not those that a person withdrew
    from any baseline: their word stands."""
    opening = session.get_one(DriftReport, incident.report_id)
    withdrawn = (
        select(BaselineDay.day_start)
        .join(Baseline, Baseline.id == BaselineDay.baseline_id)
        .where(Baseline.geometry_id == geometry_id, BaselineDay.withdrawn_by != baselines.SYSTEM)
    )
    rows = session.execute(
        select(DaySketch.day_start, DaySketch.day_end)
        .where(
            DaySketch.geometry_id == geometry_id,
            DaySketch.model_id.is_(None),
            DaySketch.units >= LEAST_UNITS,
            DaySketch.day_start >= opening.window_start,
            DaySketch.day_start.not_in(withdrawn),
        )
        .order_by(DaySketch.day_start)
    )
    return [(start, end) for start, end in rows]


def season_days(session: Session, incident: Incident, geometry_id: uuid.UUID) -> list[Span]:
    """Accepted days of earlier years in the season of the incident; none if there are fewer than
    three."""
    opening = session.get_one(DriftReport, incident.report_id)
    return season.same_season(session, geometry_id, opening.window_end)


def take_back(session: Session, incident: Incident) -> None:
    """The incident is open again: the baseline that began with its end makes room for the one
    before."""
    encoder_id = session.get_one(Model, incident.model_id).encoder_id
    current = baselines.current(session, encoder_id)
    if current is None or current.incident_id != incident.id:
        return
    before = session.scalar(
        select(Baseline).where(
            Baseline.encoder_id == encoder_id, Baseline.ended_at == current.started_at
        )
    )
    current.ended_at = datetime.datetime.now(tz=datetime.UTC)
    session.flush()
    if before is not None:
        before.ended_at = None
        session.flush()
        audit.record(session, who="mycovigil", action="brought back the baseline", on=before)
