"""``/alerts``: the alerts; ``/alert-rules``: when one is published, and with which severity."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from mycovigil.db.alert import AlertKind
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import alerts
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(include_in_schema=False)


@router.get("/alerts")
def alerts_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[alerts.AlertQuery, Query()]
) -> Response:
    found, following = alerts.page(session, query)
    return render(
        request,
        "alerts.html",
        alerts=found,
        following=following,
        kinds=list(AlertKind),
        query=query,
    )


@router.get("/alert-rules")
def alert_rules_page(request: Request, state: AppState, _: Viewer) -> Response:
    return render(
        request,
        "alert_rules.html",
        drift=state.settings.drift,
        period=state.settings.period,
    )
