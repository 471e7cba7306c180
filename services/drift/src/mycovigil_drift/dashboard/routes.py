"""The pages and their static files."""

from fastapi import FastAPI

from mycovigil_drift.dashboard import login, static_files


def install(app: FastAPI) -> None:
    """Add every page to the application."""
    app.include_router(login.router)
    app.mount("/static", static_files.immutable(), name="static")
