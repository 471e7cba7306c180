"""``/silences``: stretches in which no alert goes out, made and ended here."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import Actor, Reason, done
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.models.schemas import ModelQuery
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.silences import queries, quiet
from mycovigil_drift.silences.schemas import SilenceIn, SilenceQuery

router = APIRouter(prefix="/silences", include_in_schema=False)
Hours = Annotated[int, Form(ge=1, le=2160)]


@router.get("")
def silences_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[SilenceQuery, Query()]
) -> Response:
    silences, following = queries.page(session, query)
    named = {row.model_id for row in silences if row.model_id is not None}
    return render(
        request,
        "silences.html",
        silences=silences,
        versions=models.references(session, named),
        models=models.page(session, ModelQuery(limit=20, cursor=None))[0],
        following=following,
        now=datetime.datetime.now(tz=datetime.UTC),
        query=query,
    )


@router.post("")
def silence(
    hours: Hours,
    reason: Reason,
    session: Writing,
    actor: Actor,
    model_id: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    ends_at = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=hours)
    quiet.begin(
        session, SilenceIn(model_id=model_id, ends_at=ends_at, reason=reason), who=actor.name
    )
    return done("/silences", "silenced")


@router.post("/{silence_id}/end")
def end_silence(silence_id: uuid.UUID, session: Writing, actor: Actor) -> Response:
    quiet.end(session, silence_id, who=actor.name)
    return done("/silences", "unsilenced")
