"""What lives as long as the application; made by the lifespan and reached by the request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from mycovigil.bounded_storage import BoundedStorage
from mycovigil.events.publisher import publisher_of
from mycovigil.settings import Settings
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.relay import Relay
from mycovigil_drift.session import Database

# Longest wait for a photo, a page or a log.
STORAGE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class State:
    settings: Settings
    database: Database
    storage: BoundedStorage
    metrics: Metrics
    relay: Relay


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[State]:
    """The parts of a running drift API; the relay finishes its batch on leaving."""
    database = Database.of(settings.database, seconds=settings.drift.database_seconds)
    metrics.watch(database)
    relay = Relay(settings, database.writes, publisher_of, metrics)
    relay.start()
    storage = BoundedStorage(
        settings.storage, seconds=STORAGE_SECONDS, paused=metrics.storage_paused.set
    )
    try:
        yield State(
            settings=settings,
            database=database,
            storage=storage,
            metrics=metrics,
            relay=relay,
        )
    finally:
        await asyncio.to_thread(relay.stop)
        database.close()
        storage.close()


def state_of(request: Request) -> State:
    """The application's state, typed."""
    state: State = request.state.drift
    return state


AppState = Annotated[State, Depends(state_of)]
