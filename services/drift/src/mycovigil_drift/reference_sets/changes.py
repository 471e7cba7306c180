"""Reference sets made, frozen and retired by a person, each with its line in the audit trail."""

import uuid

from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.incidents import audit
from mycovigil.problem import Problem, conflict
from mycovigil.references import reference_set as reference_sets
from mycovigil.references.reference_set import NotUsable
from mycovigil.references.window import Window
from mycovigil_drift import lookup
from mycovigil_drift.models import queries as models
from mycovigil_drift.reference_sets.schemas import ReferenceSetIn

NOUN = "reference set"


def create(session: Session, wish: ReferenceSetIn, *, who: str) -> ReferenceSet:
    """A draft from a stretch of production.

    Raises:
        Problem: 404 without such a model; 422 for a stretch that is reversed or not over, in
            which nights drifted, or with too few photos.
    """
    if wish.until <= wish.since:
        detail = "The stretch ends before it starts; swap the two."
        raise Problem(422, "window-reversed", "The stretch is reversed", detail)
    try:
        made = reference_sets.from_production(
            session,
            models.get(session, wish.model_id),
            [Window(wish.since, wish.until)],
            name=wish.name,
            rows=wish.rows,
            months=wish.months,
            accept_drift=wish.accept_drift,
        )
    except NotUsable as reason:
        raise Problem(
            422, "reference-not-usable", "No reference set can be made of it", f"{reason}."
        ) from reason
    audit.record(session, who=who, action="made a reference set", on=made, detail=made.name)
    session.flush()
    session.refresh(made)
    return made


def freeze(session: Session, reference_set_id: uuid.UUID, *, who: str) -> ReferenceSet:
    """Let nights be judged against it.

    Raises:
        Problem: 404, or 409 if it is retired or too small.
    """
    found = lookup.one(session, ReferenceSet, reference_set_id, NOUN)
    try:
        reference_sets.freeze(session, found, who=who)
    except NotUsable as reason:
        raise conflict("reference-not-usable", f"{reason}.") from reason
    return found


def retire(session: Session, reference_set_id: uuid.UUID, *, who: str) -> ReferenceSet:
    """Judge no further night against it.

    Raises:
        Problem: 404.
    """
    found = lookup.one(session, ReferenceSet, reference_set_id, NOUN)
    reference_sets.retire(session, found, who=who)
    return found
