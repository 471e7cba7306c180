"""Models: the registry, the promotion gate and the rollback. ``/v1/models``."""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model, ModelStatus, Promotion, PromotionDecision
from mycovigil.models import promotion
from mycovigil.models.promotion import GateClosed
from mycovigil.models.safety import CertificateStatus
from mycovigil.problem import conflict, not_found
from mycovigil_drift import lookup
from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, PageQuery, fetch, shown
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.words import Words

router = APIRouter(prefix="/v1/models", tags=["models"])
MOST_PROMOTIONS = 200


class ModelRef(BaseModel):
    """A model's id, and its ``version`` for people."""

    id: uuid.UUID
    version: str


class ModelOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    version: str
    status: ModelStatus
    demo: bool = Field(description="The demo model: trained on drawn mushrooms.")
    encoder_id: uuid.UUID
    parent_id: uuid.UUID | None
    artifact_sha256: str
    metrics: dict[str, Any]
    calibration: dict[str, Any]
    certificate: dict[str, Any]
    certificate_state: CertificateStatus
    certificate_reason: str
    created_at: datetime.datetime
    promoted_at: datetime.datetime | None


class PromotionOut(BaseModel):
    """A decision of the gate with its evidence."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID
    replaced_id: uuid.UUID | None
    decision: PromotionDecision
    evidence: dict[str, Any]
    decided_by: str
    created_at: datetime.datetime


class ModelQuery(PageQuery):
    status: ModelStatus | None = None


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Words = Field(description="Why; stored with the decision.")


def page(session: Session, query: ModelQuery) -> tuple[list[Model], str | None]:
    statement = select(Model)
    if query.status is not None:
        statement = statement.where(Model.status == query.status)
    return fetch(session, statement, (Model.created_at, Model.id), query)


def newest(session: Session) -> list[Model]:
    """The newest models, for a form's list of choices."""
    return page(session, ModelQuery(limit=20, cursor=None))[0]


def get(session: Session, model_id: uuid.UUID) -> Model:
    """One model.

    Raises:
        Problem: 404 if there is no such model.
    """
    return lookup.one(session, Model, model_id, "model")


def find(session: Session, text: str) -> Model:
    """A model by its version or its id, whichever a query parameter holds.

    Raises:
        Problem: 404 if there is no such model.
    """
    model = session.scalar(select(Model).where(Model.version == text))
    if model is None and (identifier := _uuid(text)) is not None:
        model = session.get(Model, identifier)
    if model is None:
        raise not_found("model", text)
    return model


def references(
    session: Session, identifiers: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID, ModelRef]:
    """Ids and versions of many models in one query; ``None`` is ignored."""
    wanted = {identifier for identifier in identifiers if identifier is not None}
    rows = session.execute(select(Model.id, Model.version).where(Model.id.in_(wanted)))
    return {row.id: ModelRef(id=row.id, version=row.version) for row in rows}


def encoder(session: Session, model: Model) -> Encoder:
    return session.get_one(Encoder, model.encoder_id)


def promotions(session: Session, *, model_id: uuid.UUID | None = None) -> Sequence[Promotion]:
    """Decisions of the gate, newest first: all, or those in which a model was the candidate or
    the one replaced."""
    statement = select(Promotion).order_by(Promotion.created_at.desc(), Promotion.id.desc())
    if model_id is not None:
        statement = statement.where(
            (Promotion.model_id == model_id) | (Promotion.replaced_id == model_id)
        )
    return session.scalars(statement.limit(MOST_PROMOTIONS)).all()


def promote_model(session: Session, model_id: uuid.UUID, *, who: str) -> Promotion:
    """Make the candidate the production model, if the gate allows it.

    Raises:
        Problem: 404 if there is no such model, 409 with the gate's reason if it refuses.
    """
    try:
        return promotion.promote(session, model_id, decided_by=who)
    except LookupError as error:
        raise not_found("model", model_id) from error
    except GateClosed as error:
        raise conflict("gate-closed", f"{error}.") from error


def roll_back_model(session: Session, *, who: str, reason: str) -> Promotion:
    """Make the previous production model the production model again.

    Raises:
        Problem: 409 if there is none.
    """
    try:
        return promotion.rollback(session, decided_by=who, reason=reason)
    except GateClosed as error:
        raise conflict("gate-closed", f"{error}.") from error


def bring_back_model(session: Session, model_id: uuid.UUID, *, who: str, reason: str) -> Promotion:
    """Make a model that once passed the gate the production model again.

    Raises:
        Problem: 404 if there is no such model, 409 if it never passed the gate.
    """
    try:
        return promotion.bring_back(session, model_id, decided_by=who, reason=reason)
    except LookupError as error:
        raise not_found("model", model_id) from error
    except GateClosed as error:
        raise conflict("gate-closed", f"{error}.") from error


def has_passed(decisions: Iterable[Promotion], model: Model) -> bool:
    """Whether the gate once let the model into production."""
    return any(row.model_id == model.id and row.decision in promotion.FORWARD for row in decisions)


@router.get("", summary="Models, newest first")
def list_models(
    session: Reading, _: Reader, query: Annotated[ModelQuery, Query()]
) -> Page[ModelOut]:
    return shown(ModelOut, page(session, query))


@router.post("/rollback", summary="Roll back to the previous production model")
def rollback(body: ReasonIn, session: Writing, operator: Operator) -> PromotionOut:
    decided = roll_back_model(session, who=operator.name, reason=body.reason)
    return PromotionOut.model_validate(decided)


@router.get("/{model_id}", summary="One model")
def get_model(model_id: uuid.UUID, session: Reading, _: Reader) -> ModelOut:
    return ModelOut.model_validate(get(session, model_id))


@router.get("/{model_id}/promotions", summary="The gate's decisions about a model")
def list_promotions(model_id: uuid.UUID, session: Reading, _: Reader) -> list[PromotionOut]:
    get(session, model_id)
    found = promotions(session, model_id=model_id)
    return [PromotionOut.model_validate(row) for row in found]


@router.post("/{model_id}/promote", summary="Promote a candidate to production")
def promote(model_id: uuid.UUID, session: Writing, operator: Operator) -> PromotionOut:
    return PromotionOut.model_validate(promote_model(session, model_id, who=operator.name))


@router.post("/{model_id}/bring-back", summary="Bring back a model that once passed the gate")
def bring_back(
    model_id: uuid.UUID, body: ReasonIn, session: Writing, operator: Operator
) -> PromotionOut:
    """For a rollback by mistake: any model that once passed the gate, with a reason."""
    decided = bring_back_model(session, model_id, who=operator.name, reason=body.reason)
    return PromotionOut.model_validate(decided)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
