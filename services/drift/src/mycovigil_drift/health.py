"""``/readyz`` and ``/metrics``: for orchestrators and Prometheus, without a key."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.problem import Problem
from mycovigil_drift.session import PROBE_SECONDS, Database
from mycovigil_drift.state import AppState
from mycovigil_web.health import exposition

router = APIRouter(tags=["health"])


@router.get("/readyz", summary="The database answers, and the relay runs")
async def readyz(state: AppState) -> dict[str, Any]:
    """A broker that is away does not make us unready: events wait in the outbox, and it says so."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await asyncio.to_thread(_ask, state.database)
    except (SQLAlchemyError, TimeoutError) as error:
        raise _unready("database-away", "The database does not answer.") from error
    relay = state.relay.health
    if not relay.alive:
        raise _unready("relay-stopped", "The outbox relay's thread is not running; restart.")
    return {
        "status": "ready",
        "database": "answers",
        "relay": {"leading": relay.leading, "problem": relay.problem or None},
    }


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
def metrics(state: AppState) -> Response:
    """The exposition format; what is read from rows is missing while the database is away."""
    return exposition(state.metrics.web)


def _ask(database: Database) -> None:
    with database.probes() as session:
        session.execute(text("SELECT 1"))


def _unready(slug: str, detail: str) -> Problem:
    return Problem(503, slug, "Not ready", detail, headers={"Retry-After": "5"})
