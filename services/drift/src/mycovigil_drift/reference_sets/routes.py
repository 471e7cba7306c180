"""``/v1/reference-sets``."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.reference_sets import changes, queries
from mycovigil_drift.reference_sets.schemas import (
    ReferenceSetIn,
    ReferenceSetOut,
    ReferenceSetQuery,
)
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/v1/reference-sets", tags=["reference sets"])


@router.get("", summary="Reference sets, newest first")
def list_reference_sets(
    session: Reading, _: Reader, query: Annotated[ReferenceSetQuery, Query()]
) -> Page[ReferenceSetOut]:
    return shown(ReferenceSetOut, queries.page(session, query))


@router.post("", summary="Make a draft from a stretch of production", status_code=201)
def create_reference_set(
    body: ReferenceSetIn, session: Writing, operator: Operator, response: Response
) -> ReferenceSetOut:
    made = changes.create(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/reference-sets/{made.id}"
    return ReferenceSetOut.model_validate(made)


@router.post("/{reference_set_id}/freeze", summary="Let nights be judged against it")
def freeze_reference_set(
    reference_set_id: uuid.UUID, session: Writing, operator: Operator
) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(
        changes.freeze(session, reference_set_id, who=operator.name)
    )


@router.post("/{reference_set_id}/retire", summary="Judge no further night against it")
def retire_reference_set(
    reference_set_id: uuid.UUID, session: Writing, operator: Operator
) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(
        changes.retire(session, reference_set_id, who=operator.name)
    )


@router.get("/{reference_set_id}", summary="One reference set")
def get_reference_set(reference_set_id: uuid.UUID, session: Reading, _: Reader) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(queries.get(session, reference_set_id))
