"""Alive, ready, and the numbers: for orchestrators and Prometheus, without a key."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.problem import Problem
from mycovigil_drift.state import AppState, State

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="The database answers, and the relay runs")
def readyz(state: AppState) -> dict[str, Any]:
    """A broker that is away does not make us unready: events wait in the outbox, and it says so."""
    _ask_database(state)
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
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _ask_database(state: State) -> None:
    try:
        with state.database.reads() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise _unready("database-away", "The database does not answer.") from error


def _unready(slug: str, detail: str) -> Problem:
    return Problem(503, slug, "Not ready", detail, headers={"Retry-After": "5"})
