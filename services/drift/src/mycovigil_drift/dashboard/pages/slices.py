"""``/slices``: which clients, classes, hours and versions differ, night by night."""

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Query, Request, Response

from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.charts import heat_map
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import models
from mycovigil_drift.resources.reports import queries
from mycovigil_drift.session import Reading

router = APIRouter(prefix="/slices", include_in_schema=False)
Dimension = Literal["client", "predicted_class", "hour", "app_version"]
RANGES = (14, 30, 60)
MOST_ROWS = 40


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
    model_id = chosen.id if chosen else None
    found = queries.slices_of_nights(session, count=nights, model_id=model_id)
    return render(
        request,
        "slices.html",
        map=heat_map.layout([night.slices for night in found], dimension, most=MOST_ROWS),
        columns=found,
        dimensions=get_args(Dimension),
        dimension=dimension,
        ranges=RANGES,
        nights=nights,
        chosen=chosen,
    )
