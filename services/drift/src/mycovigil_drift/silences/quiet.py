"""Silences begun and ended, each with its line in the audit trail."""

import datetime
import uuid

from sqlalchemy.orm import Session

from mycovigil.db.alert import Silence
from mycovigil.incidents import audit
from mycovigil.problem import Problem
from mycovigil_drift import lookup
from mycovigil_drift.models import queries as models
from mycovigil_drift.silences.schemas import SilenceIn


def begin(session: Session, wish: SilenceIn, *, who: str) -> Silence:
    """Hold back alerts from ``starts_at`` (now, where empty) to ``ends_at``.

    Raises:
        Problem: 404 without such a model, 422 for a stretch that is reversed or over.
    """
    starts_at = wish.starts_at or _now()
    _check(starts_at, wish.ends_at)
    if wish.model_id is not None:
        models.get(session, wish.model_id)
    silence = Silence(
        model_id=wish.model_id,
        starts_at=starts_at,
        ends_at=wish.ends_at,
        reason=wish.reason,
        created_by=who,
    )
    session.add(silence)
    session.flush()
    audit.record(session, who=who, action="silenced", on=silence, detail=wish.reason)
    session.refresh(silence)
    return silence


def end(session: Session, silence_id: uuid.UUID, *, who: str) -> None:
    """End it now; one that is over stays as it was.

    Raises:
        Problem: 404.
    """
    silence = lookup.one(session, Silence, silence_id, "silence", lock=True)
    now = _now()
    if silence.ends_at <= now:
        return
    silence.ends_at = now
    silence.starts_at = min(silence.starts_at, now)
    audit.record(session, who=who, action="ended the silence", on=silence)
    session.flush()


def _check(starts_at: datetime.datetime, ends_at: datetime.datetime) -> None:
    if ends_at <= starts_at:
        detail = "The silence ends before it starts; swap the two."
        raise Problem(422, "silence-reversed", "The silence is reversed", detail)
    if ends_at <= _now():
        detail = "The silence ends in the past; give a later end."
        raise Problem(422, "silence-over", "The silence is over", detail)


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
