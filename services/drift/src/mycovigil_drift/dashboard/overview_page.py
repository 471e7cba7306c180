"""``/``: one screen that says whether it is drifting, since when, why, and what was done."""

import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from mycovigil.db.alert import Incident
from mycovigil.db.report import DriftReport
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import gallery, overview, trends
from mycovigil_drift.dashboard.answers import answers, status
from mycovigil_drift.dashboard.charts import timeline
from mycovigil_drift.dashboard.charts.timeline import NARROW, WIDE, Happening
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.models import queries as models
from mycovigil_drift.session import Reading
from mycovigil_drift.silences import queries as silences
from mycovigil_drift.state import AppState

router = APIRouter(include_in_schema=False)
RANGES = (30, 90, 365)
NARROW_NIGHTS = 21
PHOTOS = 6
SMALL_NIGHTS = 120
"""Reports behind the small multiples: more would not be seen on 150 pixels."""


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
    watch = overview.watch(session, state.settings.drift)
    chosen = models.find(session, model) if model else None
    reports = overview.nights(session, count=nights, model_id=chosen.id if chosen else None)
    recent = reports[-NARROW_NIGHTS:]
    since = min((report.window_start for report in reports), default=now)
    happenings = overview.happenings(session, since, now)
    return render(
        request,
        "overview.html",
        status=status(watch, now, state.settings.period),
        answers=answers(watch, now),
        watch=watch,
        photos=gallery.shown(watch.cause.gallery[:PHOTOS]) if watch.cause else [],
        silence=silences.over(session, watch.model.id, now) if watch.model else None,
        wide=timeline.drawn(reports, happenings, WIDE),
        narrow=timeline.drawn(recent, _during(happenings, recent), NARROW),
        covariates=trends.covariates(session, reports[-SMALL_NIGHTS:]),
        shares=trends.shares(session, reports[-SMALL_NIGHTS:]),
        tally=overview.tally(session),
        incidents=session.scalars(
            select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(5)
        ).all(),
        ranges=RANGES,
        nights=nights,
        chosen=chosen,
        live=state.settings.drift.period_seconds < 3600,
    )


def _during(happenings: list[Happening], reports: list[DriftReport]) -> list[Happening]:
    """Those that reach into the time of ``reports``."""
    start = min((report.window_start for report in reports), default=None)
    return [h for h in happenings if start is not None and (h.end or h.start) >= start]
