"""What lives as long as the application; made by the lifespan and reached by the request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from mycovigil.events.publisher import publisher_of
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.relay import Relay
from mycovigil_drift.session import Database
from mycovigil_drift.stored_files import StoredFiles


@dataclass(frozen=True, slots=True)
class State:
    settings: Settings
    database: Database
    storage: StoredFiles
    metrics: Metrics
    relay: Relay


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[State]:
    """The parts of a running drift API; the relay finishes its batch on leaving."""
    database = Database.of(settings.database, seconds=settings.drift.database_seconds)
    metrics.watch(database)
    relay = Relay(settings, database.writes, publisher_of, metrics)
    relay.start()
    storage = StoredFiles(Storage(settings.storage), metrics)
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
