"""The pages and their static files, for the application."""

from fastapi import FastAPI

from mycovigil_drift.dashboard import login, static_files
from mycovigil_drift.dashboard.demo_mark import DemoMark
from mycovigil_drift.dashboard.pages import (
    alerts,
    answer_stop,
    audit,
    baseline,
    comparisons,
    incidents,
    label_queue,
    models,
    overview,
    photo_encodings,
    reference_sets,
    reports,
    retrain_jobs,
    silences,
    slices,
)

# The pages that show something of a model.
PAGES = (
    overview,
    reports,
    slices,
    comparisons,
    incidents,
    alerts,
    answer_stop,
    silences,
    models,
    retrain_jobs,
    label_queue,
    reference_sets,
    baseline,
    photo_encodings,
    audit,
)


def install(app: FastAPI) -> None:
    """Add every page to the application."""
    for page in PAGES:
        app.include_router(page.router, dependencies=[DemoMark])
    app.include_router(login.router)
    app.mount("/static", static_files.immutable(), name="static")
