"""A baseline in the database without its mathematics: what pages and the API show of days."""

import datetime

from sqlalchemy.orm import Session

from mycovigil.baselines.baseline import EntryRule
from mycovigil.db.base import new_id
from mycovigil.db.baseline import Baseline, BaselineDay, DayGeometry, DaySketch
from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSet

DAY = datetime.timedelta(days=1)


def make_accepted_days(
    session: Session,
    model: Model,
    reference: ReferenceSet,
    first: datetime.datetime,
    *,
    days: int = 6,
    standing: bool = True,
) -> Baseline:
    """The current baseline of the model's encoder; where it stands still its second day is an
    outlier."""
    geometry = DayGeometry(
        id=new_id(),
        encoder_id=model.encoder_id,
        reference_set_id=reference.id,
        storage_key="geometries/x.npz",
        sha256="0" * 64,
    )
    session.add(geometry)
    session.flush()
    found = Baseline(
        id=new_id(),
        encoder_id=model.encoder_id,
        geometry_id=geometry.id,
        started_at=first + DAY,
        reason="first days",
        standing_since=first + (days + 1) * DAY if standing else None,
    )
    session.add(found)
    session.flush()
    for number in range(days):
        start, end = first + number * DAY, first + (number + 1) * DAY
        rule = EntryRule.START_UP if number < 3 else EntryRule.CALM
        session.add(
            BaselineDay(
                baseline_id=found.id,
                day_start=start,
                day_end=end,
                rule=rule.value,
                entered_at=end,
                outlier_p=(0.004 if number == 1 else 0.4) if standing else None,
            )
        )
        session.add(
            DaySketch(
                encoder_id=model.encoder_id,
                geometry_id=geometry.id,
                model_id=None,
                day_start=start,
                day_end=end,
                rows=300 + number,
                units=200,
                content=b"",
                content_hash="",
            )
        )
    session.flush()
    return found
