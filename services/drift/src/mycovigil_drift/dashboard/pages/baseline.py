"""``/baseline``: the days that nights are compared with, and the forms that withdraw one."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from mycovigil.db.baseline import Baseline
from mycovigil.models import registry
from mycovigil_drift import lookup
from mycovigil_drift.access import Viewer
from mycovigil_drift.dashboard.form import FormSender, Reason, UtcMoment, redirect
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.resources import audit, baselines
from mycovigil_drift.resources.baselines import BaselineQuery, WithdrawIn
from mycovigil_drift.session import Reading, Writing

router = APIRouter(prefix="/baseline", include_in_schema=False)
MOST_EARLIER = 20


@router.get("")
def current_baseline(request: Request, session: Reading, _: Viewer) -> Response:
    return _shown(request, session, _current(session))


@router.get("/{baseline_id}")
def one_baseline(baseline_id: uuid.UUID, request: Request, session: Reading, _: Viewer) -> Response:
    return _shown(request, session, lookup.one(session, Baseline, baseline_id, "baseline"))


def _shown(request: Request, session: Session, found: Baseline | None) -> Response:
    query = BaselineQuery(limit=MOST_EARLIER, cursor=None)
    others = [row for row in baselines.page(session, query)[0] if found and row.id != found.id]
    return render(
        request,
        "baseline.html",
        baseline=baselines.described(session, found) if found else None,
        days=baselines.listed(session, found) if found else [],
        others=[baselines.described(session, row) for row in others],
        trail=audit.about(session, found.id) if found else [],
        outlier=baselines.OUTLIER,
    )


def _current(session: Session) -> Baseline | None:
    """Of the production model's encoder; without a model the newest one."""
    production = registry.production(session)
    encoder = production.encoder.id if production else None
    query = BaselineQuery(limit=1, cursor=None, encoder_id=encoder, current=True)
    return next(iter(baselines.page(session, query)[0]), None)


@router.post("/{baseline_id}/withdraw")
def withdraw(
    baseline_id: uuid.UUID,
    day_start: Annotated[UtcMoment, Form()],
    reason: Reason,
    session: Writing,
    sender: FormSender,
) -> Response:
    wanted = WithdrawIn(day_start=day_start, reason=reason)
    baselines.withdraw(session, baseline_id, wanted, who=sender.name)
    return redirect(f"/baseline/{baseline_id}", "withdrawn")


@router.post("/accept-skew/{incident_id}")
def accept_skew(
    incident_id: uuid.UUID, note: Reason, session: Writing, sender: FormSender
) -> Response:
    baselines.accept_skew(session, incident_id, who=sender.name, note=note)
    return redirect(f"/incidents/{incident_id}", "skew-accepted")
