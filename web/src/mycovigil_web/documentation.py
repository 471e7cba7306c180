"""``/docs``: Swagger UI from its pip package, so that no CDN learns who reads."""

from html import escape
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

ASSETS = Path(fastapi_offline.__file__).parent / "static"
# Swagger UI sets style attributes and data: images; its scripts are all files of ours.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/swagger/swagger-ui.css">
<div id="swagger-ui"></div>
<noscript>The OpenAPI document is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/swagger/swagger-ui-bundle.js"></script>
<script src="{script}"></script>
"""


def install(app: FastAPI, *, script: str) -> None:
    """Serve the page and its assets; ``script`` is the address of the service's file that starts
    Swagger UI."""
    page = PAGE.format(title=escape(app.title), script=script)
    app.mount("/swagger", StaticFiles(directory=ASSETS), name="swagger")

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})
