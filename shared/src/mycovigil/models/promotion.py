"""Promotion and rollback: rows, incidents and event in the caller's transaction.

API, command, training and retrain jobs all call these functions. They end the incident of the
model that leaves production, or hand it to the one that takes its place, and open it again when a
rollback brings the model back.
"""

import datetime
import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model, ModelStatus, Promotion, PromotionDecision
from mycovigil.events import outbox
from mycovigil.events.event import Event, EventType, Topic
from mycovigil.incidents import audit, succession
from mycovigil.models import registry
from mycovigil.postgres import named_lock
from mycovigil.postgres.row_lock import locked

SOURCE = "/mycovigil/promotion"
# Advisory lock of every decision: of two at once, the second sees the first one's rows.
LOCK = "mycovigil promotion"
# The decisions that a rollback takes back; a rollback itself is none of them.
FORWARD = (PromotionDecision.INITIAL, PromotionDecision.PASSED)
EVENTS = {
    PromotionDecision.INITIAL: EventType.MODEL_PROMOTED,
    PromotionDecision.PASSED: EventType.MODEL_PROMOTED,
    PromotionDecision.REFUSED: EventType.MODEL_REJECTED,
    PromotionDecision.ROLLBACK: EventType.MODEL_ROLLED_BACK,
}


class GateClosed(PermissionError):
    """The model may not go live; the message says what evidence is missing."""


def promote(session: Session, model_id: uuid.UUID, *, decided_by: str) -> Promotion:
    """Make a candidate the production model.

    The first model of all goes live without a comparison, and so does the first after the demo
    model, which is no opponent. Every other needs the gate's evidence against the very model that
    is in production now, and against the first certified one of its encoder; where none is in
    production, although one was, nothing can be compared, and a rollback brings the last one back.

    Raises:
        LookupError: no such model.
        GateClosed: no passing evidence, or evidence against another production model.
    """
    wait_for_turn(session)
    candidate = _locked(session, model_id)
    _require_undecided(candidate)
    current = _current(session)
    if current is None or current.demo:
        _require_first(session)
        return _switch(session, candidate, current, PromotionDecision.INITIAL, {}, decided_by)
    evidence: dict[str, Any] = candidate.metrics.get("gate", {})
    _require_compared(session, candidate, current, evidence)
    if evidence.get("passed") is not True:
        raise GateClosed(f"the gate refused model {candidate.version}: {evidence.get('reason')}")
    return _switch(session, candidate, current, PromotionDecision.PASSED, evidence, decided_by)


def refuse(session: Session, model_id: uuid.UUID, *, decided_by: str) -> Promotion:
    """Record that the gate refused a candidate, with its evidence.

    Raises:
        LookupError: no such model.
        GateClosed: it is no candidate any more; a person has decided.
    """
    wait_for_turn(session)
    candidate = _locked(session, model_id)
    _require_undecided(candidate)
    candidate.status = ModelStatus.REJECTED
    evidence: dict[str, Any] = candidate.metrics.get("gate", {})
    current = _current(session)
    return _record(session, candidate, current, PromotionDecision.REFUSED, evidence, decided_by)


def rollback(session: Session, *, decided_by: str, reason: str) -> Promotion:
    """Bring back the model that production replaced when it was promoted, with the certificate
    that it left with; a second rollback goes one promotion further back. Where no model is in
    production, the last that was comes back. The demo model never comes back.

    Raises:
        GateClosed: there is no earlier production model, or only the demo model.
    """
    wait_for_turn(session)
    current = _current(session)
    before = _last_served(session) if current is None else _replaced_by(session, current)
    if before is None:
        raise GateClosed("there is no earlier production model to roll back to")
    earlier = _locked(session, before)
    if earlier.demo:
        raise GateClosed(
            "only the demo model served earlier, and there is no rollback to it: it was trained on "
            "drawn mushrooms"
        )
    return _switch(
        session, earlier, current, PromotionDecision.ROLLBACK, {"reason": reason}, decided_by
    )


def bring_back(session: Session, model_id: uuid.UUID, *, decided_by: str, reason: str) -> Promotion:
    """Make a model that once passed the gate the production model again, whatever was decided
    since: the way out of a rollback by mistake. Recorded as a rollback, with the reason.

    Raises:
        LookupError: no such model.
        GateClosed: it never passed the gate, is in production already, or is the demo model.
    """
    wait_for_turn(session)
    model = _locked(session, model_id)
    if model.status == ModelStatus.PRODUCTION:
        raise GateClosed(f"model {model.version} is in production already")
    if model.demo:
        raise GateClosed("the demo model never comes back: it was trained on drawn mushrooms")
    if not _went_live(session, model):
        raise GateClosed(
            f"model {model.version} never passed the gate: only the gate brings it into production"
        )
    current = _current(session)
    return _switch(
        session, model, current, PromotionDecision.ROLLBACK, {"reason": reason}, decided_by
    )


def _switch(
    session: Session,
    model: Model,
    replaced: Model | None,
    decision: PromotionDecision,
    evidence: dict[str, Any],
    decided_by: str,
) -> Promotion:
    if replaced is not None:
        back = decision is PromotionDecision.ROLLBACK
        resolution = (
            f"rolled back to model {model.version}" if back else f"model {model.version} promoted"
        )
        succession.supersede(session, replaced, by=model, resolution=resolution)
        replaced.status = ModelStatus.ARCHIVED
        session.flush()  # the partial unique index allows one production model at a time
    model.status = ModelStatus.PRODUCTION
    model.promoted_at = datetime.datetime.now(tz=datetime.UTC)
    registry.announce(session)
    session.flush()
    if replaced is not None:
        succession.resume(session, model, after=replaced)
    return _record(session, model, replaced, decision, evidence, decided_by)


def _record(
    session: Session,
    model: Model,
    other: Model | None,
    decision: PromotionDecision,
    evidence: dict[str, Any],
    decided_by: str,
) -> Promotion:
    row = Promotion(
        id=new_id(),
        model_id=model.id,
        replaced_id=other.id if other else None,
        decision=decision,
        evidence=evidence,
        decided_by=decided_by,
        created_at=func.clock_timestamp(),  # now() is when the wait for the turn began
    )
    session.add(row)
    detail = str(evidence.get("reason", ""))
    audit.record(session, who=decided_by, action=decision.value, on=model, detail=detail)
    data = {
        "model_id": str(model.id),
        "version": model.version,
        "replaced_id": str(other.id) if other else None,
        "decision": decision.value,
        "decided_by": decided_by,
        "demo": model.demo,
    }
    event = Event(type=EVENTS[decision], source=SOURCE, subject=model.version, data=data)
    outbox.add(session, Topic.MODELS, event)
    session.flush()
    return row


def wait_for_turn(session: Session) -> None:
    """Hold the lock of every decision until the caller's transaction ends."""
    named_lock.hold(session, LOCK)


def _require_undecided(candidate: Model) -> None:
    if candidate.status not in {ModelStatus.CANDIDATE, ModelStatus.SHADOW}:
        raise GateClosed(f"model {candidate.version} is {candidate.status}, not a candidate")


def _require_compared(
    session: Session, candidate: Model, current: Model, evidence: dict[str, Any]
) -> None:
    """The evidence is against the models that count now."""
    if evidence.get("against") != str(current.id):
        raise GateClosed(
            f"model {candidate.version} was not compared with production model {current.version}: "
            "train it again"
        )
    first = registry.first_certified(session, candidate.encoder_id)
    if first and first.id != current.id and evidence.get("first_certified") != str(first.id):
        raise GateClosed(
            f"model {candidate.version} was not compared with {first.version}, the first certified "
            "model of its encoder: train it again"
        )


def _require_first(session: Session) -> None:
    served = _last_served(session)
    if served is not None:
        raise GateClosed(
            f"no model is in production to compare with, although {served} was: roll back first"
        )


def _replaced_by(session: Session, current: Model) -> uuid.UUID | None:
    """The model that made room when ``current`` was promoted."""
    return session.scalar(
        select(Promotion.replaced_id)
        .where(Promotion.model_id == current.id, Promotion.decision.in_(FORWARD))
        .order_by(Promotion.created_at.desc(), Promotion.id.desc())
        .limit(1)
    )


def _went_live(session: Session, model: Model) -> bool:
    passed = select(Promotion.id).where(
        Promotion.model_id == model.id, Promotion.decision.in_(FORWARD)
    )
    return session.scalar(select(passed.exists())) is True


def _last_served(session: Session) -> uuid.UUID | None:
    """The model that went into production last, the demo model left out."""
    return session.scalar(
        select(Promotion.model_id)
        .join(Model, Model.id == Promotion.model_id)
        .where(Promotion.decision != PromotionDecision.REFUSED, Model.demo.is_(False))
        .order_by(Promotion.created_at.desc(), Promotion.id.desc())
        .limit(1)
    )


def _current(session: Session) -> Model | None:
    return session.scalar(
        select(Model)
        .where(Model.status == ModelStatus.PRODUCTION)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _locked(session: Session, model_id: uuid.UUID) -> Model:
    model = locked(session, Model, model_id)
    if model is None:
        raise LookupError(f"there is no model {model_id}")
    return model
