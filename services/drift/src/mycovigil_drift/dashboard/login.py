"""Login with an API key: it is kept in a cookie that scripts and other sites cannot use."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from mycovigil.access import KeyRefused, Scope
from mycovigil.problem import Problem
from mycovigil_drift.access import COOKIE, COOKIE_SENT, Access
from mycovigil_drift.dashboard.templating import render
from mycovigil_drift.state import AppState

router = APIRouter(include_in_schema=False)
ONE_WEEK = 7 * 24 * 3600


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002
    return render(request, "login.html", next=_local_path(next), refusal=None)


@router.post("/login")
async def login(
    request: Request,
    access: Access,
    state: AppState,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    try:
        await access.authorise(request, key.strip(), Scope.READ)
    except Problem as problem:
        state.metrics.web.problems.labels(problem.slug).inc()
        context = {"next": _local_path(next), "refusal": _refusal(problem)}
        return render(request, "login.html", code=problem.status, **context)
    response = RedirectResponse(_local_path(next), 303)
    response.set_cookie(
        COOKIE,
        key.strip(),
        max_age=ONE_WEEK,
        httponly=True,
        samesite=COOKIE_SENT,
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
def logout() -> Response:
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite=COOKIE_SENT)
    return response


def _refusal(problem: Problem) -> str:
    """Why the key is refused; the problem's detail goes on with advice for programs."""
    reason = problem.__cause__
    return f"{reason}." if isinstance(reason, KeyRefused) else problem.detail


def _local_path(target: str) -> str:
    """``target`` if it is a path on this host, so that a login never ends on another site."""
    safe = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if safe else "/"
