"""``/encodings``: kept photos encoded anew, how far it has come, and the form that asks for it."""

import datetime
import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from mycovigil.reencoding import progress
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit, photo_encodings
from mycovigil_drift.resources.photo_encodings import EncodingIn
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/encodings", include_in_schema=False)


@router.get("")
def encodings_page(request: Request, session: Reading, _: Viewer) -> Response:
    return render(
        request,
        "encodings.html",
        encodings=progress.of_encoders(session),
        encoders=photo_encodings.encoders(session),
    )


@router.get("/{encoder_id}")
def encoding_page(encoder_id: uuid.UUID, request: Request, session: Reading, _: Viewer) -> Response:
    found, days = photo_encodings.get(session, encoder_id)
    trail = audit.about(session, encoder_id)
    return render(request, "encoding.html", encoding=found, days=days, trail=trail)


@router.post("")
def ask(
    encoder_id: Annotated[uuid.UUID, Form()],
    first_day: Annotated[datetime.date, Form()],
    last_day: Annotated[datetime.date, Form()],
    session: Writing,
    sender: FormSender,
) -> Response:
    wanted = EncodingIn(encoder_id=encoder_id, first_day=first_day, last_day=last_day)
    photo_encodings.ask(session, wanted, who=sender.name)
    return redirect(f"/encodings/{encoder_id}", "encoding")
