"""The pages and their static files."""

from fastapi import FastAPI

from mycovigil_drift.dashboard import (
    alert_page,
    audit_page,
    comparison_page,
    incident_actions,
    incident_page,
    login,
    model_actions,
    model_page,
    overview_page,
    reference_set_actions,
    reference_set_page,
    report_page,
    retrain_job_page,
    silence_page,
    slice_page,
    static_files,
)

PAGES = (
    overview_page,
    report_page,
    slice_page,
    comparison_page,
    incident_page,
    incident_actions,
    alert_page,
    silence_page,
    model_page,
    model_actions,
    retrain_job_page,
    reference_set_page,
    reference_set_actions,
    audit_page,
    login,
)


def install(app: FastAPI) -> None:
    """Add every page to the application."""
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", static_files.immutable(), name="static")
