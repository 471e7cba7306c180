"""``/slices``: which clients, hours, versions and predictions drift, over the nights."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.charts import heat_map
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.reports import slices
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/slices", include_in_schema=False)
DIMENSIONS = ("client", "predicted_class", "hour", "app_version")
Dimension = Literal["client", "predicted_class", "hour", "app_version"]
RANGES = (14, 30, 60)
ROWS = 40


@router.get("")
def slices_page(
    request: Request,
    session: Reading,
    _: Viewer,
    dimension: Dimension = "client",
    nights: Annotated[int, Query(ge=1, le=100)] = RANGES[1],
    model: str | None = None,
) -> Response:
    chosen = models.find(session, model) if model else None
    found = slices.of_nights(session, count=nights, model_id=chosen.id if chosen else None)
    return render(
        request,
        "slices.html",
        map=heat_map.drawn([night.slices for night in found], dimension, most=ROWS),
        columns=found,
        dimensions=DIMENSIONS,
        dimension=dimension,
        ranges=RANGES,
        nights=nights,
        chosen=chosen,
    )
