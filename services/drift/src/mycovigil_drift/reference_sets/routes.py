"""``/v1/reference-sets``."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query

from mycovigil_drift.access import Reader
from mycovigil_drift.pagination import Page
from mycovigil_drift.reference_sets import queries
from mycovigil_drift.reference_sets.schemas import ReferenceSetOut, ReferenceSetQuery
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/v1/reference-sets", tags=["reference sets"])


@router.get("", summary="Reference sets, newest first")
def list_reference_sets(
    session: Reading, _: Reader, query: Annotated[ReferenceSetQuery, Query()]
) -> Page[ReferenceSetOut]:
    rows, following = queries.page(session, query)
    return Page(items=[ReferenceSetOut.model_validate(row) for row in rows], next=following)


@router.get("/{reference_set_id}", summary="One reference set")
def get_reference_set(reference_set_id: uuid.UUID, session: Reading, _: Reader) -> ReferenceSetOut:
    return ReferenceSetOut.model_validate(queries.get(session, reference_set_id))
