"""Reading models and promotions."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model, Promotion
from mycovigil.problem import not_found
from mycovigil_drift import lookup
from mycovigil_drift.models.schemas import ModelQuery, ModelRef
from mycovigil_drift.pagination import fetch


def page(session: Session, query: ModelQuery) -> tuple[list[Model], str | None]:
    statement = select(Model)
    if query.status is not None:
        statement = statement.where(Model.status == query.status)
    return fetch(session, statement, (Model.created_at, Model.id), query)


def get(session: Session, model_id: uuid.UUID) -> Model:
    """Raises a 404 problem without one."""
    return lookup.one(session, Model, model_id, "model")


def find(session: Session, text: str) -> Model:
    """A model by its id or its version, as people put it into an address.

    Raises:
        Problem: 404.
    """
    model = session.scalar(select(Model).where(Model.version == text))
    if model is None and (identifier := _uuid(text)) is not None:
        model = session.get(Model, identifier)
    if model is None:
        raise not_found("model", text)
    return model


def references(session: Session, identifiers: Iterable[uuid.UUID]) -> dict[uuid.UUID, ModelRef]:
    """Versions of many models at once."""
    rows = session.execute(select(Model.id, Model.version).where(Model.id.in_(set(identifiers))))
    return {row.id: ModelRef(id=row.id, version=row.version) for row in rows}


def encoder(session: Session, model: Model) -> Encoder:
    return session.get_one(Encoder, model.encoder_id)


def promotions(session: Session, *, model_id: uuid.UUID | None = None) -> Sequence[Promotion]:
    """Decisions, newest first: all, or those about one model."""
    statement = select(Promotion).order_by(Promotion.created_at.desc(), Promotion.id.desc())
    if model_id is not None:
        statement = statement.where(
            (Promotion.model_id == model_id) | (Promotion.replaced_id == model_id)
        )
    return session.scalars(statement.limit(200)).all()


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
