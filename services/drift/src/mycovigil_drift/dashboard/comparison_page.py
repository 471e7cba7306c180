"""``/compare/nights`` and ``/compare/reference-sets``: two of a kind, side by side."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil_drift.access import Viewer
from mycovigil_drift.comparison import side
from mycovigil_drift.comparison.result import compared
from mycovigil_drift.dashboard.charts import comparison as charts
from mycovigil_drift.dashboard.formats import night
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.reference_sets import queries as reference_sets
from mycovigil_drift.reference_sets.schemas import ReferenceSetQuery
from mycovigil_drift.reports import queries as reports
from mycovigil_drift.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

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
Kind = Literal["nights", "reference-sets"]
SIDES = {"nights": side.night, "reference-sets": side.reference_set}


@router.get("/{kind}")
def comparison_page(
    request: Request, session: Reading, state: AppState, _: Viewer, kind: Kind, pair: Chosen
) -> Response:
    offered = OFFERS[kind](session, pair)
    found = None
    if pair.a is not None and pair.b is not None:
        sides = SIDES[kind](session, pair.a), SIDES[kind](session, pair.b)
        found = compared(session, state.contests, *sides, test=pair.test)
    names = dict(offered)
    return render(
        request,
        "comparison.html",
        kind=kind,
        place="/reports" if kind == "nights" else "/reference-sets",
        offered=offered,
        pair=pair,
        found=found,
        names=[names.get(chosen, "") for chosen in (pair.a, pair.b) if chosen],
        effects=charts.effects(found.covariates) if found else [],
        classes=charts.shares(found.classes) if found else [],
        probabilities=charts.shares(found.probabilities) if found else [],
    )


def _nights(session: Session, pair: Pair) -> list[Choice]:
    """The latest nights, and those chosen wherever they are."""
    query = ReportQuery(limit=OFFERED, cursor=None, periods=1)
    found = [_night(row) for row in reports.page(session, query)[0]]
    for chosen in (pair.a, pair.b):
        found = _with(found, _night(reports.get(session, chosen))) if chosen else found
    return found


def _sets(session: Session, pair: Pair) -> list[Choice]:
    query = ReferenceSetQuery(limit=OFFERED, cursor=None)
    found = [_set(row) for row in reference_sets.page(session, query)[0]]
    for chosen in (pair.a, pair.b):
        found = _with(found, _set(reference_sets.get(session, chosen))) if chosen else found
    return found


def _with(offered: list[Choice], chosen: Choice) -> list[Choice]:
    return offered if chosen in offered else [*offered, chosen]


def _night(report: DriftReport) -> Choice:
    return report.id, f"{night(report.window_start, report.window_end)}, {report.verdict}"


def _set(found: ReferenceSet) -> Choice:
    return found.id, f"{found.name}, {found.rows} photos"


OFFERS = {"nights": _nights, "reference-sets": _sets}
