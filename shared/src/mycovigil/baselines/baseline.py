"""Baselines of encoders: which days of production count as calm, by whom and by which rule.

Calm is accepted, never assumed: a day enters by a named rule, a person may withdraw it, and after
a new normal was accepted a new baseline begins. Nothing is appended across an acceptance, which
would inflate what days vary by. Whoever opened the session commits.
"""

import datetime
import uuid
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.baselines import geometries
from mycovigil.baselines.sketches import Span
from mycovigil.db.base import new_id
from mycovigil.db.baseline import Baseline, BaselineDay, BaselineReason, DayGeometry
from mycovigil.db.encoder import Encoder
from mycovigil.incidents import audit
from mycovigil.postgres.row_lock import locked

# Fewer days cannot say what days differ by.
LEAST_DAYS = 3
SYSTEM = "mycovigil"
# Note of a baseline of the demo model's days.
DEMO_DAYS = "days of the demo model"


class EntryRule(StrEnum):
    """By which rule a day entered a baseline."""

    START_UP = "one of the first days"
    CALM = "did not page, no open incident"
    PAST_CALM = "calm before days were compared"
    INCIDENT = "a day of the incident that was accepted"
    SEASON = "same season of an earlier year"
    ENCODED_ANEW = "counted for an earlier encoder, its photos encoded anew"


RULES = {
    BaselineReason.FIRST_DAYS: EntryRule.START_UP,
    BaselineReason.MODEL_LEARNED: EntryRule.INCIDENT,
    BaselineReason.ACCEPTED: EntryRule.INCIDENT,
    BaselineReason.SEASON: EntryRule.SEASON,
}


class NotPossible(ValueError):
    """The baseline cannot take this step; the message says why."""


def current(session: Session, encoder_id: uuid.UUID) -> Baseline | None:
    """The baseline that the encoder's nights are compared with."""
    return session.scalar(
        select(Baseline).where(Baseline.encoder_id == encoder_id, Baseline.ended_at.is_(None))
    )


def days(session: Session, baseline: Baseline, *, withdrawn: bool = False) -> list[BaselineDay]:
    """Days of a baseline in order of time, without those that a person withdrew unless asked."""
    query = select(BaselineDay).where(BaselineDay.baseline_id == baseline.id)
    if not withdrawn:
        query = query.where(BaselineDay.withdrawn_at.is_(None))
    return list(session.scalars(query.order_by(BaselineDay.day_start)))


def current_of_others(
    session: Session, encoder_id: uuid.UUID, before: datetime.datetime
) -> list[Span]:
    """Days that count in the current baselines of other encoders and end by ``before``."""
    rows = session.execute(
        select(BaselineDay.day_start, BaselineDay.day_end)
        .join(Baseline, Baseline.id == BaselineDay.baseline_id)
        .where(
            Baseline.encoder_id != encoder_id,
            Baseline.ended_at.is_(None),
            Baseline.note != DEMO_DAYS,
            BaselineDay.withdrawn_at.is_(None),
            BaselineDay.day_end <= before,
        )
        .distinct()
    )
    return [(start, end) for start, end in rows]


def begin(
    session: Session,
    encoder_id: uuid.UUID,
    *,
    reason: BaselineReason,
    rule: EntryRule | None = None,
    days: Iterable[Span] = (),
    incident_id: uuid.UUID | None = None,
    accepted_by: str | None = None,
    note: str = "",
) -> Baseline:
    """End the encoder's current baseline and begin a new one with ``days``, which enter by
    ``rule`` or by the one that goes with the reason. The old one is kept.

    Raises:
        NotPossible: no day of the encoder was ever sketched, so that there is no geometry.
    """
    geometry = _geometry(session, encoder_id)
    _lock(session, encoder_id)
    now = _now()
    if (before := current(session, encoder_id)) is not None:
        before.ended_at = now
        session.flush()
    made = Baseline(
        id=new_id(),
        encoder_id=encoder_id,
        geometry_id=geometry.id,
        started_at=now,
        reason=reason.value,
        incident_id=incident_id,
        accepted_by=accepted_by,
        note=note,
    )
    session.add(made)
    session.flush()
    _add(session, made, days, rule or RULES[reason], now)
    who = accepted_by or SYSTEM
    audit.record(session, who=who, action="began a baseline", on=made, detail=note or reason.value)
    session.flush()
    return made


def enter(
    session: Session, baseline: Baseline, spans: Iterable[Span], rule: EntryRule, *, most: int
) -> int:
    """Let days enter a baseline that does not stand still, up to ``most`` days; with them it stands
    still. A day that a person withdrew stays out. Returns how many days count now.

    Where people withdrew so many days that fewer than three are left, it learns again.
    """
    _lock(session, baseline.encoder_id)
    session.refresh(baseline)
    if _counted(session, baseline) < LEAST_DAYS:
        baseline.standing_since = None
    if baseline.ended_at is None and baseline.standing_since is None:
        room = most - _counted(session, baseline)
        now = _now()
        _add(session, baseline, sorted(spans)[: max(room, 0)], rule, now)
        if _counted(session, baseline) >= most:
            baseline.standing_since = now
        session.flush()
    return _counted(session, baseline)


def shorten(session: Session, baseline: Baseline, *, most: int) -> int:
    """Leave a baseline that does not stand still its newest ``most`` days: a new normal begins with
    all days of its incident or season. Returns how many left it; none was compared with yet."""
    _lock(session, baseline.encoder_id)
    session.refresh(baseline)
    if baseline.standing_since is not None or baseline.ended_at is not None:
        return 0
    older = days(session, baseline)[:-most]
    for day in older:
        session.delete(day)
    if older:
        detail = f"{len(older)} days older than the newest {most}"
        audit.record(session, who=SYSTEM, action="left out days", on=baseline, detail=detail)
    session.flush()
    return len(older)


def withdraw(
    session: Session, baseline: Baseline, day_start: datetime.datetime, *, who: str, reason: str
) -> BaselineDay:
    """Take a day out of a baseline; it stays listed, with who withdrew it and why.

    Raises:
        LookupError: the baseline has no such day.
        NotPossible: it was withdrawn already, or the baseline has ended.
    """
    _lock(session, baseline.encoder_id)
    session.refresh(baseline)
    day = session.get(BaselineDay, (baseline.id, day_start), populate_existing=True)
    if day is None:
        raise LookupError(f"no day of this baseline starts at {day_start.isoformat()}")
    if day.withdrawn_at is not None:
        raise NotPossible(f"{day.withdrawn_by} withdrew this day already: {day.withdrawn_reason}")
    if baseline.ended_at is not None:
        raise NotPossible("this baseline has ended: no night is compared with it any more")
    day.withdrawn_at, day.withdrawn_by, day.withdrawn_reason = _now(), who, reason
    detail = f"{day_start:%Y-%m-%d %H:%M} UTC: {reason}"
    audit.record(session, who=who, action="withdrew a day", on=baseline, detail=detail)
    session.flush()
    return day


def learning(count: int) -> str | None:
    """What is said while there are too few days to compare with; nothing afterwards."""
    return f"learning, day {count + 1} of {LEAST_DAYS}" if count < LEAST_DAYS else None


def _geometry(session: Session, encoder_id: uuid.UUID) -> DayGeometry:
    geometry = geometries.of_encoder(session, encoder_id)
    if geometry is None:
        raise NotPossible(
            "no day of this encoder was sketched yet: a baseline begins with its first night"
        )
    return geometry


def _lock(session: Session, encoder_id: uuid.UUID) -> None:
    """Two people, or a person and the worker, change an encoder's baseline one after the other."""
    locked(session, Encoder, encoder_id, keys_may_be_read=True)


def _add(
    session: Session,
    baseline: Baseline,
    spans: Iterable[Span],
    rule: EntryRule,
    now: datetime.datetime,
) -> None:
    rows = [
        {
            "baseline_id": baseline.id,
            "day_start": start,
            "day_end": end,
            "rule": rule.value,
            "entered_at": now,
        }
        for start, end in spans
    ]
    if rows:
        session.execute(insert(BaselineDay).values(rows).on_conflict_do_nothing())


def _counted(session: Session, baseline: Baseline) -> int:
    query = select(func.count()).where(
        BaselineDay.baseline_id == baseline.id, BaselineDay.withdrawn_at.is_(None)
    )
    return session.scalar(query) or 0


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
