"""The pages and their static files."""

from fastapi import FastAPI

from mycovigil_drift.dashboard import (
    incident_page,
    login,
    model_page,
    overview_page,
    reference_set_page,
    report_page,
    retrain_job_page,
    static_files,
)

PAGES = (
    overview_page,
    report_page,
    incident_page,
    model_page,
    retrain_job_page,
    reference_set_page,
    login,
)


def install(app: FastAPI) -> None:
    """Add every page to the application."""
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", static_files.immutable(), name="static")
