"""The pages and their static files."""

from fastapi import FastAPI

from mycovigil_drift.dashboard import login, overview_page, static_files


def install(app: FastAPI) -> None:
    """Add every page to the application."""
    for page in (overview_page, login):
        app.include_router(page.router)
    app.mount("/static", static_files.immutable(), name="static")
