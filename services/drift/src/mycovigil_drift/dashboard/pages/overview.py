"""``/``: whether production drifts, since when, why, whether it hurts, and what was done."""

import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftReport
from mycovigil.postgres import partitions
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.charts import timeline
from mycovigil_drift.dashboard.charts.timeline import NARROW, WIDE, Annotation
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.dashboard.view_models import gallery, history, production, trends
from mycovigil_drift.dashboard.view_models.banner import banner
from mycovigil_drift.dashboard.view_models.summary import summary
from mycovigil_drift.resources import models, silences
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(include_in_schema=False)
RANGES = (30, 90, 365)
NARROW_NIGHTS = 21
MOST_PHOTOS = 6
MOST_INCIDENTS = 5
# Reports behind the small multiples: more points than that do not show on 150 pixels.
TREND_REPORTS = 120
# The page reloads itself where periods are shorter than this.
LIVE_SECONDS = 3600


@router.get("/")
def overview_page(
    request: Request,
    session: Reading,
    state: AppState,
    _: Viewer,
    nights: Annotated[int, Query(ge=1, le=400)] = RANGES[0],
    model: str | None = None,
) -> Response:
    now = datetime.datetime.now(tz=datetime.UTC)
    status = production.status(session, state.settings.drift)
    chosen = models.find(session, model) if model else None
    reports = history.nights(session, count=nights, model_id=chosen.id if chosen else None)
    recent = reports[-NARROW_NIGHTS:]
    since = min((report.window_start for report in reports), default=now)
    annotations = history.annotations(session, since, now)
    incidents = select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc())
    return render(
        request,
        "overview.html",
        banner=banner(status, now, state.settings.period),
        summary=summary(status, now),
        production=status,
        photos=gallery.items(status.cause.gallery[:MOST_PHOTOS]) if status.cause else [],
        silence=silences.of_model(session, status.model.id, now) if status.model else None,
        wide=timeline.layout(reports, annotations, WIDE),
        narrow=timeline.layout(recent, _during(annotations, recent), NARROW),
        covariates=trends.covariates(session, reports[-TREND_REPORTS:]),
        shares=trends.shares(session, reports[-TREND_REPORTS:]),
        tally=history.tally(session),
        incidents=session.scalars(incidents.limit(MOST_INCIDENTS)).all(),
        ranges=RANGES,
        nights=nights,
        chosen=chosen,
        days_ahead=partitions.days_ahead(session),
        fewest_ahead=partitions.FEWEST_AHEAD,
        live=state.settings.drift.period_seconds < LIVE_SECONDS,
    )


def _during(annotations: list[Annotation], reports: list[DriftReport]) -> list[Annotation]:
    """Those that last into the time of ``reports``."""
    start = min((report.window_start for report in reports), default=None)
    return [one for one in annotations if start is not None and (one.end or one.start) >= start]
