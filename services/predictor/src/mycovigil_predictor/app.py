"""The composition root: settings in, an ASGI application out. Nothing runs before its lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles

from mycovigil import cloud_access
from mycovigil.cloud_access import Need
from mycovigil.settings import Settings
from mycovigil.tracing import tracing
from mycovigil_predictor import state
from mycovigil_predictor.api.invalid_request import invalid
from mycovigil_predictor.api.routes import health, model, page, predictions
from mycovigil_predictor.metrics import Metrics
from mycovigil_web import documentation, openapi, problem_pages
from mycovigil_web import health as web_health
from mycovigil_web import problems as web_problems
from mycovigil_web.middleware import QUIET, RequestMiddleware
from mycovigil_web.problems import ProblemResponder

STATIC = Path(__file__).parent / "api" / "pages" / "static"
DESCRIPTION = """
Photo in, probabilities and cautious advice out. There is no advice "safe": no photo can
carry that promise. Errors are `application/problem+json` (RFC 9457).
"""
# Spellings of this service until version 0.1; answered beside today's until the next major version.
EARLIER_SLUGS = {
    "internal-error": "unexpected",
    "scope-missing": "missing-scope",
    "unauthorised": "unauthorized",
}
# Headers of an answer that a page of another origin may read.
CORS_READ = ("Retry-After", "WWW-Authenticate", "X-Request-ID")
ROUTERS = (
    predictions.router,
    model.router,
    web_health.router,
    health.router,
    problem_pages.router,
    page.router,
)
logger = structlog.get_logger(__name__)


class AppState(TypedDict):
    predictor: state.Predictor


def create_app(settings: Settings) -> FastAPI:
    """The predictor as an ASGI application."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[AppState]:
        logger.info("starting", settings=settings.masked())
        photos = [Need.WRITE_PHOTOS] if settings.storage.keep_photos else []
        cloud_access.report(settings, Need.READ, *photos, service="predictor")
        with tracing("predictor"):  # inside, for uvicorn ends the process when this has ended
            async with state.running(settings, metrics) as predictor:
                yield {"predictor": predictor}
        logger.info("stopped")

    app = FastAPI(
        title="Mycovigil predictor",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: str(route.name),
        docs_url=None,
        redoc_url=None,
        telemetry={
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "exclude": lambda scope: scope["path"] in QUIET,
        },
    )
    respond = ProblemResponder(metrics.web, earlier=EARLIER_SLUGS)
    web_problems.install(app, respond, invalid=invalid)
    openapi.define_problem(app)
    documentation.install(app, script="/static/docs.js")
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(
        RequestMiddleware,
        metrics=metrics.web,
        respond=respond,
        headers={"Cache-Control": "no-store"},
        log_fields=("prediction_id", "demo"),
    )
    if settings.predictor.cors_origins:  # outermost, so that a page can read a 500 as well
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.predictor.cors_origins,
            allow_methods=["GET", "POST", "PUT"],
            # an allowed origin may send any: what opens the service is its key, not a header's name
            allow_headers=["*"],
            expose_headers=CORS_READ,
        )
    return app
