"""The promotion gate as the API sees it: a closed gate is a 409 that says what is missing."""

import uuid

from sqlalchemy.orm import Session

from mycovigil.db.model import Promotion
from mycovigil.models import promotion
from mycovigil.models.promotion import GateClosed
from mycovigil.problem import conflict, not_found


def promote(session: Session, model_id: uuid.UUID, *, who: str) -> Promotion:
    """Make the candidate the production model.

    Raises:
        Problem: 404 without such a model, 409 if the gate is closed.
    """
    try:
        return promotion.promote(session, model_id, decided_by=who)
    except LookupError as error:
        raise not_found("model", model_id) from error
    except GateClosed as error:
        raise conflict("gate-closed", f"{error}.") from error


def rollback(session: Session, *, who: str, reason: str) -> Promotion:
    """Bring the earlier model back.

    Raises:
        Problem: 409 if there is none.
    """
    try:
        return promotion.rollback(session, decided_by=who, reason=reason)
    except GateClosed as error:
        raise conflict("gate-closed", f"{error}.") from error
