"""``/silences``: the silences, and the forms that begin and end them."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, Reason, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import models, silences
from mycovigil_drift.resources.silences import SilenceIn, SilenceQuery
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/silences", include_in_schema=False)
Hours = Annotated[int, Form(ge=1, le=2160)]


@router.get("")
def silences_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[SilenceQuery, Query()]
) -> Response:
    found, following = silences.page(session, query)
    return render(
        request,
        "silences.html",
        silences=found,
        versions=models.references(session, (row.model_id for row in found)),
        models=models.newest(session),
        following=following,
        now=datetime.datetime.now(tz=datetime.UTC),
        query=query,
    )


@router.post("")
def silence(
    hours: Hours,
    reason: Reason,
    session: Writing,
    sender: FormSender,
    model_id: Annotated[uuid.UUID | None, Form()] = None,
) -> Response:
    ends_at = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(hours=hours)
    wanted = SilenceIn(model_id=model_id, ends_at=ends_at, reason=reason)
    silences.begin(session, wanted, who=sender.name)
    return redirect("/silences", "silenced")


@router.post("/{silence_id}/end")
def end_silence(silence_id: uuid.UUID, session: Writing, sender: FormSender) -> Response:
    silences.end(session, silence_id, who=sender.name)
    return redirect("/silences", "unsilenced")
