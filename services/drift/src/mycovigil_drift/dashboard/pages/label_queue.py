"""``/label-queue``: photos whose labels are asked for, buttons to label them, and how far they are.

What the model says of a photo is shown when it is labelled, so that nobody is led by it.
"""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response

from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.references.labelling import Truth
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import LabelSender, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import label_queue
from mycovigil_drift.resources.label_queue import LabelQueueQuery
from mycovigil_drift.session import Reading, Writing
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/label-queue", include_in_schema=False)
Confidence = Literal["certain", "probable", "guess"]


class LabelPageQuery(LabelQueueQuery):
    """``labelled``: the photo that was labelled last, shown with what the model had said."""

    labelled: uuid.UUID | None = None


@router.get("")
def label_queue_page(
    request: Request,
    session: Reading,
    state: AppState,
    viewer: Viewer,
    query: Annotated[LabelPageQuery, Query()],
) -> Response:
    last = given = None
    if query.labelled is not None and viewer is not None:
        given = label_queue.label_of(session, query.labelled, viewer)
        last = label_queue.answered(session, query.labelled) if given else None
    return render(
        request,
        "label_queue.html",
        queue=label_queue.queue(session, state.settings, query),
        query=query,
        last=last,
        given=given,
        classes=CLASSES,
    )


@router.post("/{prediction_id}")
def give_label(
    prediction_id: uuid.UUID,
    label: Annotated[SafetyClass, Form()],
    session: Writing,
    sender: LabelSender,
    confidence: Annotated[Confidence, Form()] = "certain",
) -> Response:
    label_queue.give_label(session, prediction_id, Truth(label, confidence), who=sender)
    return redirect(f"/label-queue?labelled={prediction_id}", "labelled")
