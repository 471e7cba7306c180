"""Make one report: judge in a read-only snapshot, store the page, write in a short transaction.

Whoever changes the model meanwhile (a rollback, a promotion) waits for the last step only, and the
last step sees what was changed. A worker that is killed in between leaves nothing but a page.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_worker.days.preparation import prepare
from mycovigil_worker.judging.failures import is_outage, summary
from mycovigil_worker.judging.judge import Judging
from mycovigil_worker.judging.judged_window import JudgedWindow, ReportSpec
from mycovigil_worker.references import novelty
from mycovigil_worker.report import draft as drafts
from mycovigil_worker.report import write
from mycovigil_worker.report.draft import Draft
from mycovigil_worker.report.one_client import Search
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def make(state: State, spec: ReportSpec, now: datetime) -> DriftReport | None:
    """The report of the window, written and committed; none if another worker was faster.

    The caller holds the model's lock. A crash of the judging itself becomes a ``failed`` report,
    so that one bad night cannot hold back those after it; ``now`` is when it failed.

    Raises:
        DBAPIError, OSError: the database or the storage is away; nothing was written.
    """
    try:
        return _written(state, judged(state, spec), now)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("judging crashed", model=str(spec.model_id), window=str(spec.window))
        return _written(state, _failed(state, spec, f"judging crashed: {summary(error)}"), now)


def judged(state: State, spec: ReportSpec) -> Draft:
    """Sketch the days, judge and explain in one snapshot, then store the page."""
    drift = state.settings.drift
    with state.sessions() as session:
        scale = novelty.scale_of(state.storage, session.get_one(Model, spec.model_id))
    prepared = prepare(state, spec.model_id, spec.window, scale)
    with snapshot(state) as session:
        as_of = _now(session)
        judging = Judging(session, state.storage, drift, spec, scale, as_of, prepared)
        draft = drafts.of(spec, judging.judged(), _report_id(session, spec))
        drafts.explain(session, draft, drift, Search(session, state.storage, prepared, as_of))
    drafts.store_pages(state.storage, draft)
    return draft


@contextmanager
def snapshot(state: State) -> Iterator[Session]:
    """A session in a transaction that sees one moment of the database and can write nothing."""
    engine = state.engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    with state.sessions(bind=engine) as session, session.begin():
        yield session


def _written(state: State, draft: Draft, now: datetime) -> DriftReport | None:
    with state.sessions.begin() as session:
        report = write.write(session, draft, state.settings.drift, now)
        if report is not None:
            _log(report, session.get_one(Model, report.model_id))
    return report


def _failed(state: State, spec: ReportSpec, problem: str) -> Draft:
    with snapshot(state) as session:
        window = JudgedWindow(ReportVerdict.FAILED, _now(session), problem=problem)
        return drafts.of(spec, window, _report_id(session, spec))


def _report_id(session: Session, spec: ReportSpec) -> uuid.UUID:
    """That of the window's report, if there is one to write over, or a new one."""
    earlier = write.in_window(session, spec)
    return earlier[0].id if earlier else new_id()


def _now(session: Session) -> datetime:
    return session.scalar(select(func.now())) or datetime.now(tz=UTC)


def _log(report: DriftReport, model: Model) -> None:
    log.info(
        "window judged",
        model=model.version,
        demo=model.demo,
        start=report.window_start.isoformat(),
        periods=report.periods,
        verdict=report.verdict,
        p_value=report.p_value,
        rows=report.rows,
        cause=report.cause,
    )
