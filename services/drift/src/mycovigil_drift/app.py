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
from mycovigil_drift.alerts.routes import router as alerts
from mycovigil_drift.audit.routes import router as audit
from mycovigil_drift.comparison.contest import Contests
from mycovigil_drift.comparison.routes import router as comparisons
from mycovigil_drift.incidents.routes import router as incidents
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.middleware import RequestMiddleware
from mycovigil_drift.models.routes import router as models
from mycovigil_drift.photos.routes import router as photos
from mycovigil_drift.reference_sets.routes import router as reference_sets
from mycovigil_drift.relay import Relay
from mycovigil_drift.reports.requests import router as report_requests
from mycovigil_drift.reports.routes import router as reports
from mycovigil_drift.retrain_jobs.routes import router as retrain_jobs
from mycovigil_drift.session import Database
from mycovigil_drift.silences.routes import router as silences
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
                    settings, database, storage, metrics, relay, Contests(settings.drift.seed)
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
    for router in (
        report_requests,
        reports,
        alerts,
        incidents,
        silences,
        retrain_jobs,
        models,
        reference_sets,
        photos,
        audit,
        comparisons,
        health.router,
    ):
        app.include_router(router)
    documentation.install(app)
    dashboard.install(app)
    return app
