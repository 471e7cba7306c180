"""The Jinja environment: strict, escaping, with ``formats`` as filters and ``wording`` as
``words``."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mycovigil_drift.access import COOKIE, COOKIE_SENT
from mycovigil_drift.dashboard import formats, wording
from mycovigil_drift.dashboard.form import NOTICE
from mycovigil_drift.dashboard.page_viewer import PageViewer

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
STATIC = FOLDER / "static"


@cache
def environment() -> Environment:
    """One for the process, so that templates are compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(formats.FILTERS)
    made.globals["words"] = wording
    made.globals["asset"] = asset
    return made


@cache
def asset(name: str) -> str:
    """Address of a static file with its digest, so that browsers can cache it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def render(request: Request, name: str, *, code: int = 200, **context: Any) -> HTMLResponse:
    """A page from a template. Not cacheable: it may need a key, and it changes every night."""
    viewer = PageViewer.of(request)
    template = environment().get_template(name)
    demo = getattr(request.state, "demo", False)
    stop = getattr(request.state, "answer_stop", None)
    text = template.render(
        path=request.url.path, viewer=viewer, demo=demo, answer_stop=stop, **context
    )
    response = HTMLResponse(text, code, {"Cache-Control": "no-store"})
    if viewer.notice:
        response.delete_cookie(NOTICE)
    if getattr(request.state, "stale_cookie", False):
        response.delete_cookie(COOKIE, httponly=True, samesite=COOKIE_SENT)
    return response
