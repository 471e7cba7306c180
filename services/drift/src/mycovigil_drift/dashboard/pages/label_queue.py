"""``/label-queue``: photos whose labels are asked for, and how far they are."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import label_queue
from mycovigil_drift.resources.label_queue import LabelQueueQuery
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/label-queue", include_in_schema=False)


@router.get("")
def label_queue_page(
    request: Request,
    session: Reading,
    state: AppState,
    _: Viewer,
    query: Annotated[LabelQueueQuery, Query()],
) -> Response:
    found = label_queue.queue(session, state.settings, query)
    return render(request, "label_queue.html", queue=found, query=query)
