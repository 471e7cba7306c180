"""The composition root: settings in, an ASGI application out. Nothing runs before its lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles

from mycovigil.settings import Settings
from mycovigil.tracing import tracing
from mycovigil_predictor import state
from mycovigil_predictor.api import problems
from mycovigil_predictor.api.request_log import QUIET, Observe
from mycovigil_predictor.api.routes import docs, health, model, openapi, page, predictions
from mycovigil_predictor.metrics import Metrics

STATIC = Path(__file__).parent / "api" / "pages" / "static"
DESCRIPTION = """
Photo in, probabilities and a cautious verdict out. There is no verdict "safe": no photo can
carry that promise. Errors are `application/problem+json` (RFC 9457).
"""
logger = structlog.get_logger(__name__)


class AppState(TypedDict):
    predictor: state.Predictor


def create_app(settings: Settings) -> FastAPI:
    """The predictor as an ASGI application."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[AppState]:
        logger.info("starting", settings=settings.masked())
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
    problems.install(app)
    openapi.define_problem(app)
    for module in (predictions, model, health, docs, page):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.mount("/swagger", StaticFiles(directory=docs.assets()), name="swagger")
    if settings.predictor.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.predictor.cors_origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
        )
    app.add_middleware(Observe, metrics=metrics)
    return app
