"""The composition root: settings in, application out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from mycovigil.events.publisher import publisher_of
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_drift import dashboard, documentation, health, problems
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.middleware import RequestMiddleware
from mycovigil_drift.relay import Relay
from mycovigil_drift.resources.comparisons.two_sample_test import TwoSampleTests
from mycovigil_drift.resources.routers import ROUTERS
from mycovigil_drift.session import Database
from mycovigil_drift.state import State

DESCRIPTION = (
    "Is the model still looking at the world it was made for? Reports, alerts, incidents, models "
    "and retrain jobs. Errors are RFC 9457 problems; lists are paged by cursor, newest first."
)


class Lifespan(TypedDict):
    """What the lifespan yields into every request's state."""

    drift: State


def create_app(settings: Settings) -> FastAPI:
    """The drift API with its dashboard; connects to nothing before its lifespan starts."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Lifespan]:
        database = Database.of(settings.database)
        metrics.watch(database)
        relay = Relay(settings, database.writes, publisher_of, metrics)
        relay.start()
        try:
            storage = Storage(settings.storage)
            yield {
                "drift": State(
                    settings, database, storage, metrics, relay, TwoSampleTests(settings.drift.seed)
                )
            }
        finally:
            relay.stop()
            database.engine.dispose()

    app = FastAPI(
        title="Mycovigil drift",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(RequestMiddleware, metrics=metrics)
    problems.install(app, page=dashboard.problem_page)
    for router in (*ROUTERS, health.router):
        app.include_router(router)
    documentation.install(app)
    dashboard.install(app)
    return app
