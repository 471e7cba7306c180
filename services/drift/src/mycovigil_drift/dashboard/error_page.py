"""Problems as a page for people."""

from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from mycovigil.problem import Problem
from mycovigil_drift.dashboard.templating import render


def problem_page(request: Request, problem: Problem) -> Response:
    """The problem as a page; a browser without a good key is sent to the login."""
    if problem.status == 401 and request.method in {"GET", "HEAD"}:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(path, safe='')}", 303)
    response = render(
        request, "error.html", code=problem.status, problem=problem, back=_back(request)
    )
    response.headers.update(problem.headers)
    return response


def _back(request: Request) -> str | None:
    """The page of this dashboard that led here, if the browser says so."""
    referer = urlsplit(request.headers.get("referer", ""))
    if referer.netloc != request.url.netloc or referer.path == request.url.path:
        return None
    return referer.path + (f"?{referer.query}" if referer.query else "")
