"""``/compare/nights``, ``/compare/reference-sets`` and ``/compare/stretches``: the form, and the
comparison of a pair, which the worker makes."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard import formats
from mycovigil_drift.dashboard.charts import bars
from mycovigil_drift.dashboard.form import FormSender, UtcMoment, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import models, reference_sets
from mycovigil_drift.resources.comparisons import request as requests
from mycovigil_drift.resources.comparisons import row_set
from mycovigil_drift.resources.comparisons.comparison import Comparison, compare
from mycovigil_drift.resources.comparisons.routes import Stretch, StretchPair
from mycovigil_drift.resources.comparisons.row_set import RowSet
from mycovigil_drift.resources.reference_sets import ReferenceSetQuery
from mycovigil_drift.resources.reports import queries as reports
from mycovigil_drift.resources.reports.schemas import ReportQuery
from mycovigil_drift.session import Reading, Writing

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


class StretchQuery(BaseModel):
    """The id of a comparison; without it, the page shows its form alone."""

    model_config = ConfigDict(extra="forbid")
    id: uuid.UUID | None = None


def stretches_sent(
    model_id: Annotated[uuid.UUID, Form()],
    a_start: Annotated[UtcMoment, Form()],
    a_end: Annotated[UtcMoment, Form()],
    b_start: Annotated[UtcMoment, Form()],
    b_end: Annotated[UtcMoment, Form()],
) -> StretchPair:
    """The form's two stretches; times without a zone are UTC."""
    first, second = Stretch(start=a_start, end=a_end), Stretch(start=b_start, end=b_end)
    return StretchPair(model_id=model_id, a=first, b=second)


@router.get("/stretches")
def stretches_page(
    request: Request, session: Reading, _: Viewer, query: Annotated[StretchQuery, Query()]
) -> Response:
    row = requests.get(session, query.id) if query.id else None
    sides = row_set.sides_of(session, row) if row else None
    names = [formats.window(*one.window) for one in sides or () if one.window]
    return render(
        request,
        "comparison.html",
        kind="stretches",
        place="/reports",
        offered=[],
        models=models.newest(session),
        pair=OptionalPair(),
        names=names,
        asked=row,
        **_figures(compare(session, *sides) if sides else None),
    )


@router.get("/{kind}")
def comparison_page(
    request: Request,
    session: Reading,
    _: Viewer,
    kind: Kind,
    pair: Annotated[OptionalPair, Query()],
) -> Response:
    offered = _nights(session, pair) if kind == "nights" else _reference_sets(session, pair)
    found = None
    if pair.a is not None and pair.b is not None:
        found = compare(session, *_sides(session, kind, pair.a, pair.b))
    names = dict(offered)
    return render(
        request,
        "comparison.html",
        kind=kind,
        place="/reports" if kind == "nights" else "/reference-sets",
        offered=offered,
        models=[],
        pair=pair,
        names=[names.get(chosen, "") for chosen in (pair.a, pair.b) if chosen],
        asked=found.comparison if found else None,
        **_figures(found),
    )


@router.post("/stretches")
def test_stretches(
    wanted: Annotated[StretchPair, Depends(stretches_sent)], session: Writing, sender: FormSender
) -> Response:
    sides = wanted.row_sets(session)
    row = requests.request_comparison(session, *sides, who=sender.name)
    return redirect(f"/compare/stretches?id={row.id}", "compare")


@router.post("/{kind}")
def test_pair(
    kind: Kind,
    a: Annotated[uuid.UUID, Form()],
    b: Annotated[uuid.UUID, Form()],
    session: Writing,
    sender: FormSender,
) -> Response:
    requests.request_comparison(session, *_sides(session, kind, a, b), who=sender.name)
    return redirect(f"/compare/{kind}?a={a}&b={b}", "compare")


def _sides(session: Session, kind: Kind, a: uuid.UUID, b: uuid.UUID) -> tuple[RowSet, RowSet]:
    rows_of = row_set.night if kind == "nights" else row_set.reference_set
    return rows_of(session, a), rows_of(session, b)


def _figures(found: Comparison | None) -> dict[str, Any]:
    """What differs, by the name of the template's variable."""
    return {
        "found": found,
        "effects": bars.effects(found.covariates) if found else [],
        "classes": bars.shares(found.classes) if found else [],
        "probabilities": bars.shares(found.probabilities) if found else [],
    }


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
