"""The composition root: settings in, application out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import structlog
from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from mycovigil import cloud_access
from mycovigil.cloud_access import Need
from mycovigil.settings import Settings
from mycovigil_drift import dashboard, health
from mycovigil_drift.access import AccessControl, limited_by_address
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.openapi import add_problems
from mycovigil_drift.resources.routers import ROUTERS
from mycovigil_drift.state import State, running
from mycovigil_web import documentation, openapi, problem_pages, problems
from mycovigil_web import health as web_health
from mycovigil_web.middleware import RequestMiddleware
from mycovigil_web.problems import ProblemResponder

DESCRIPTION = (
    "Is the model still looking at the world it was made for? Reports, alerts, incidents, models "
    "and retrain jobs. Errors are RFC 9457 problems; lists are paged by cursor, newest first."
)
# Spellings of this service until version 0.1; answered beside today's until the next major version.
EARLIER_SLUGS = {
    "http-error": "http-{status}",
    "unsupported-media-type": "wrong-media-type",
}
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
log = structlog.get_logger(__name__)


class Lifespan(TypedDict):
    """What the lifespan yields into every request's state."""

    drift: State
    access: AccessControl


def create_app(settings: Settings) -> FastAPI:
    """The drift API with its dashboard; connects to nothing before its lifespan starts."""
    drift = settings.drift
    metrics = Metrics(drift.public_url, night_seconds=drift.period_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Lifespan]:
        log.info("starting", settings=settings.masked())
        cloud_access.report(settings, Need.READ, Need.PUBLISH, service="drift")
        async with (
            running(settings, metrics) as state,
            AccessControl.running(settings, state.database, metrics.web) as access,
        ):
            yield {"drift": state, "access": access}

    app = FastAPI(
        title="Mycovigil drift",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(limited_by_address)],
    )
    respond = ProblemResponder(metrics.web, earlier=EARLIER_SLUGS, page=dashboard.problem_page)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(
        RequestMiddleware, metrics=metrics.web, respond=respond, headers=SECURITY_HEADERS
    )
    problems.install(app, respond)
    for router in (*ROUTERS, web_health.router, health.router, problem_pages.router):
        app.include_router(router)
    openapi.define_problem(app, add_problems)
    documentation.install(app, script="/static/documentation.js")
    dashboard.install(app)
    return app
