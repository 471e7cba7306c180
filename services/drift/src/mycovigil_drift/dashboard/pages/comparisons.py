"""``/compare/nights`` and ``/compare/reference-sets``: the form, and the comparison of a pair."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import formats
from mycovigil_drift.dashboard.charts import bars
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import reference_sets
from mycovigil_drift.resources.comparisons import row_set
from mycovigil_drift.resources.comparisons.comparison import compare
from mycovigil_drift.resources.reference_sets import ReferenceSetQuery
from mycovigil_drift.resources.reports import queries as reports
from mycovigil_drift.resources.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/compare", include_in_schema=False)
# Latest nights or reference sets that the form offers.
MOST_OFFERED = 60
Choice = tuple[uuid.UUID, str]
Kind = Literal["nights", "reference-sets"]


class OptionalPair(BaseModel):
    """Two ids; without both, the page shows its form alone."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID | None = None
    b: uuid.UUID | None = None
    test: bool = False


@router.get("/{kind}")
def comparison_page(
    request: Request,
    session: Reading,
    state: AppState,
    _: Viewer,
    kind: Kind,
    pair: Annotated[OptionalPair, Query()],
) -> Response:
    offered = _nights(session, pair) if kind == "nights" else _reference_sets(session, pair)
    found = None
    if pair.a is not None and pair.b is not None:
        rows_of = row_set.night if kind == "nights" else row_set.reference_set
        row_sets = rows_of(session, pair.a), rows_of(session, pair.b)
        found = compare(session, state.two_sample_tests, *row_sets, test=pair.test)
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
        effects=bars.effects(found.covariates) if found else [],
        classes=bars.shares(found.classes) if found else [],
        probabilities=bars.shares(found.probabilities) if found else [],
    )


def _nights(session: Session, pair: OptionalPair) -> list[Choice]:
    """The latest nights, and the chosen ones even if they are older."""
    query = ReportQuery(limit=MOST_OFFERED, cursor=None, periods=1)
    found = [_night(row) for row in reports.page(session, query)[0]]
    for chosen in (pair.a, pair.b):
        found = _with(found, _night(reports.get(session, chosen))) if chosen else found
    return found


def _reference_sets(session: Session, pair: OptionalPair) -> list[Choice]:
    """The newest sets, and the chosen ones even if they are older."""
    query = ReferenceSetQuery(limit=MOST_OFFERED, cursor=None)
    found = [_reference_set(row) for row in reference_sets.page(session, query)[0]]
    for chosen in (pair.a, pair.b):
        row = reference_sets.get(session, chosen) if chosen else None
        found = _with(found, _reference_set(row)) if row else found
    return found


def _with(offered: list[Choice], chosen: Choice) -> list[Choice]:
    return offered if chosen in offered else [*offered, chosen]


def _night(report: DriftReport) -> Choice:
    window = formats.window(report.window_start, report.window_end)
    return report.id, f"{window}, {report.verdict}"


def _reference_set(found: ReferenceSet) -> Choice:
    return found.id, f"{found.name}, {found.rows} photos"
