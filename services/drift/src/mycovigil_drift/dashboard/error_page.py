"""Problems as a page for people."""

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from mycovigil.problem import Problem
from mycovigil_drift.dashboard.templating import render


def problem_page(request: Request, problem: Problem) -> Response:
    """The problem in words; whoever only lacks a key is asked for one."""
    if problem.status == 401 and request.method in {"GET", "HEAD"}:
        place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(place, safe='')}", 303)
    response = render(request, "error.html", code=problem.status, problem=problem)
    response.headers.update(problem.headers)
    return response
