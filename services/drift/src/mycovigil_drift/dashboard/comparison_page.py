"""``/compare/nights`` and ``/compare/reference-sets``: two of a kind, side by side."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil_drift.access import Viewer
from mycovigil_drift.comparison import side
from mycovigil_drift.comparison.result import Comparison, compared
from mycovigil_drift.comparison.side import Side
from mycovigil_drift.dashboard.charts import comparison as charts
from mycovigil_drift.dashboard.formats import night
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.reference_sets import queries as reference_sets
from mycovigil_drift.reference_sets.schemas import ReferenceSetQuery
from mycovigil_drift.reports import queries as reports
from mycovigil_drift.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState, State

router = APIRouter(prefix="/compare", include_in_schema=False)
OFFERED = 60
Choice = tuple[uuid.UUID, str]


class Pair(BaseModel):
    """Both empty asks the page for its form."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID | None = None
    b: uuid.UUID | None = None
    test: bool = False


Chosen = Annotated[Pair, Query()]


@router.get("/nights")
def nights_page(
    request: Request, session: Reading, state: AppState, _: Viewer, pair: Chosen
) -> Response:
    query = ReportQuery(limit=OFFERED, cursor=None, periods=1)
    offered = [_night(row) for row in reports.page(session, query)[0]]
    if pair.a is None or pair.b is None:
        return _page(request, "nights", pair, offered, None)
    for chosen in (pair.a, pair.b):
        offered = _with(offered, _night(reports.get(session, chosen)))
    sides = side.night(session, pair.a), side.night(session, pair.b)
    return _page(request, "nights", pair, offered, _compared(session, state, sides, pair))


@router.get("/reference-sets")
def reference_sets_page(
    request: Request, session: Reading, state: AppState, _: Viewer, pair: Chosen
) -> Response:
    query = ReferenceSetQuery(limit=OFFERED, cursor=None)
    offered = [_set(row) for row in reference_sets.page(session, query)[0]]
    if pair.a is None or pair.b is None:
        return _page(request, "reference-sets", pair, offered, None)
    for chosen in (pair.a, pair.b):
        offered = _with(offered, _set(reference_sets.get(session, chosen)))
    sides = side.reference_set(session, pair.a), side.reference_set(session, pair.b)
    return _page(request, "reference-sets", pair, offered, _compared(session, state, sides, pair))


def _compared(session: Reading, state: State, sides: tuple[Side, Side], pair: Pair) -> Comparison:
    return compared(session, state.contests, *sides, test=pair.test)


def _page(
    request: Request, kind: str, pair: Pair, offered: list[Choice], found: Comparison | None
) -> Response:
    names = dict(offered)
    return render(
        request,
        "comparison.html",
        kind=kind,
        place="/reports" if kind == "nights" else "/reference-sets",
        offered=offered,
        pair=pair,
        found=found,
        names=(names.get(pair.a, ""), names.get(pair.b, "")) if pair.a and pair.b else ("", ""),
        effects=charts.effects(found.covariates) if found else [],
        classes=charts.shares(found.classes) if found else [],
        probabilities=charts.shares(found.probabilities) if found else [],
    )


def _with(offered: list[Choice], chosen: Choice) -> list[Choice]:
    return offered if chosen in offered else [*offered, chosen]


def _night(report: DriftReport) -> Choice:
    return report.id, f"{night(report.window_start, report.window_end)}, {report.verdict}"


def _set(found: ReferenceSet) -> Choice:
    return found.id, f"{found.name}, {found.rows} photos"
