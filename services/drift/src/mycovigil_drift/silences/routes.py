"""``/v1/silences``: made, listed, ended. An ended silence stays on record beside its alerts."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Response

from mycovigil_drift.access import Operator, Reader
from mycovigil_drift.pagination import Page, shown
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.silences import queries, quiet
from mycovigil_drift.silences.schemas import SilenceIn, SilenceOut, SilenceQuery

router = APIRouter(prefix="/v1/silences", tags=["silences"])


@router.get("", summary="Silences, newest first")
def list_silences(
    session: Reading, _: Reader, query: Annotated[SilenceQuery, Query()]
) -> Page[SilenceOut]:
    return shown(SilenceOut, queries.page(session, query))


@router.post("", summary="Hold alerts back for a while", status_code=201)
def create_silence(
    body: SilenceIn, session: Writing, operator: Operator, response: Response
) -> SilenceOut:
    silence = quiet.begin(session, body, who=operator.name)
    response.headers["Location"] = f"/v1/silences/{silence.id}"
    return SilenceOut.model_validate(silence)


@router.get("/{silence_id}", summary="One silence")
def get_silence(silence_id: uuid.UUID, session: Reading, _: Reader) -> SilenceOut:
    return SilenceOut.model_validate(queries.get(session, silence_id))


@router.delete("/{silence_id}", summary="End a silence now", status_code=204)
def end_silence(silence_id: uuid.UUID, session: Writing, operator: Operator) -> None:
    quiet.end(session, silence_id, who=operator.name)
