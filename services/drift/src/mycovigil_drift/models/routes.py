"""``/v1/models``: the registry, the gate and the way back."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.models import gate, queries
from mycovigil_drift.models.schemas import ModelOut, ModelQuery, PromotionOut, RollbackIn
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", summary="Models, newest first")
def list_models(
    session: Reading, _: Reader, query: Annotated[ModelQuery, Query()]
) -> Page[ModelOut]:
    return shown(ModelOut, queries.page(session, query))


@router.post("/rollback", summary="Bring the earlier production model back")
def rollback(body: RollbackIn, session: Writing, operator: Operator) -> PromotionOut:
    decided = gate.rollback(session, who=operator.name, reason=body.reason)
    return PromotionOut.model_validate(decided)


@router.get("/{model_id}", summary="One model")
def get_model(model_id: uuid.UUID, session: Reading, _: Reader) -> ModelOut:
    return ModelOut.model_validate(queries.get(session, model_id))


@router.get("/{model_id}/promotions", summary="Decisions of the gate about a model")
def list_promotions(model_id: uuid.UUID, session: Reading, _: Reader) -> list[PromotionOut]:
    queries.get(session, model_id)
    found = queries.promotions(session, model_id=model_id)
    return [PromotionOut.model_validate(row) for row in found]


@router.post("/{model_id}/promote", summary="Make a candidate the production model")
def promote(model_id: uuid.UUID, session: Writing, operator: Operator) -> PromotionOut:
    return PromotionOut.model_validate(gate.promote(session, model_id, who=operator.name))
