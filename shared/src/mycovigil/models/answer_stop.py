"""Stop every answer of the product at once, and let it answer again.

For an operator who learns that advice is dangerous before anybody knows why. Predictors follow
within a second of the commit, by NOTIFY and polling; one that cannot reach Postgres keeps what it
knew last.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import AnswerStop
from mycovigil.incidents import audit
from mycovigil.models import registry
from mycovigil.models.advice import Reason
from mycovigil.postgres import named_lock

# Advisory lock: of two people who stop at once, the second finds the first one's stop.
LOCK = "mycovigil answer stop"


class NotStopped(LookupError):
    """No stop is in force."""


def in_force(session: Session) -> AnswerStop | None:
    """The stop in force, if there is one."""
    return session.scalar(select(AnswerStop).where(AnswerStop.ended_at.is_(None)))


def begin(session: Session, *, who: str, reason: str) -> AnswerStop:
    """Stop the answers, in the caller's transaction; a stop in force is left as it is, and both
    people are in the audit trail."""
    named_lock.hold(session, LOCK)
    stop = in_force(session)
    if stop is None:
        stop = AnswerStop(id=new_id(), reason=reason, stopped_by=who)
        session.add(stop)
        session.flush()
    audit.record(session, who=who, action="stopped all answers", on=stop, detail=reason)
    registry.announce(session)
    session.flush()
    return stop


def end(session: Session, *, who: str, reason: str) -> AnswerStop:
    """Let the product answer again, in the caller's transaction.

    Raises:
        NotStopped: no stop is in force.
    """
    named_lock.hold(session, LOCK)
    stop = in_force(session)
    if stop is None:
        raise NotStopped("answers are not stopped")
    stop.ended_by, stop.ended_reason, stop.ended_at = who, reason, func.now()
    audit.record(session, who=who, action="let answers go on", on=stop, detail=reason)
    registry.announce(session)
    session.flush()
    return stop


def reason_of(words: str) -> Reason:
    """The reason that stands before all others in every answer."""
    return Reason("answers_stopped", f"Our advice is stopped for now: {words.rstrip('.')}.")
