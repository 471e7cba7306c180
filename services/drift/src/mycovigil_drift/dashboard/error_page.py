"""Problems as a page for people."""

from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from mycovigil.problem import Problem
from mycovigil_drift.dashboard.templating import render


def problem_page(request: Request, problem: Problem) -> Response:
    """The problem in words; whoever only lacks a key is asked for one."""
    if problem.status == 401 and request.method in {"GET", "HEAD"}:
        place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(place, safe='')}", 303)
    response = render(
        request, "error.html", code=problem.status, problem=problem, back=_back(request)
    )
    response.headers.update(problem.headers)
    return response


def _back(request: Request) -> str | None:
    """The page of ours that led here, if the browser tells."""
    came_from = urlsplit(request.headers.get("referer", ""))
    if came_from.netloc != request.url.netloc or came_from.path == request.url.path:
        return None
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")
