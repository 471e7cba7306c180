"""Every error as RFC 9457 problem+json, with what to do about it; never a stack trace."""

from collections.abc import Callable
from typing import cast

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from mycovigil.problem import MEDIA_TYPE, Problem

log = structlog.get_logger(__name__)
Renderer = Callable[[Request, Problem], Response]
SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "wrong-media-type"}


def as_json(request: Request, problem: Problem) -> Response:
    """The problem document, with the path it happened at."""
    return JSONResponse(
        jsonable_encoder(problem.body(request.url.path)),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI, *, page: Renderer) -> None:
    """Register the handlers; people outside ``/v1`` get ``page``, programs get JSON."""

    def answer(request: Request, problem: Problem) -> Response:
        return page(request, problem) if _wants_page(request) else as_json(request, problem)

    def handle(translate: Callable[[Exception], Problem]) -> Callable[..., Response]:
        def handler(request: Request, error: Exception) -> Response:
            return answer(request, translate(error))

        return handler

    app.add_exception_handler(Problem, handle(lambda error: cast("Problem", error)))
    app.add_exception_handler(RequestValidationError, handle(_invalid))
    app.add_exception_handler(HTTPException, handle(_http))
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(away, handle(_database_away))
    app.add_exception_handler(DataError, handle(_no_such_value))
    app.add_exception_handler(Exception, handle(_unexpected))


def _wants_page(request: Request) -> bool:
    accepts = request.headers.get("accept", "")
    return "text/html" in accepts and not request.url.path.startswith("/v1/")


def _invalid(error: Exception) -> Problem:
    errors = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in cast("RequestValidationError", error).errors()
    ]
    said = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
    return Problem(422, "invalid-request", "The request is not valid", said, errors=errors)


def _no_such_value(error: Exception) -> Problem:
    """Well-formed, and yet nothing that Postgres can hold: a NUL, the year 12,000."""
    log.info("value refused by the database", error=str(error).splitlines()[0])
    detail = "A value is out of range or holds a character that cannot be stored; change it."
    return Problem(422, "invalid-request", "The request is not valid", detail)


def _http(error: Exception) -> Problem:
    found = cast("HTTPException", error)
    slug = SLUGS.get(found.status_code, f"http-{found.status_code}")
    detail = "There is nothing at this address." if found.status_code == 404 else found.detail
    headers = dict(found.headers or {})
    return Problem(found.status_code, slug, found.detail, detail, headers=headers)


def _database_away(error: Exception) -> Problem:
    log.warning("database away", error=str(error).splitlines()[0])
    return Problem(
        503,
        "database-away",
        "The database does not answer",
        "Nothing was changed. Try again in a few seconds.",
        headers={"Retry-After": "5"},
    )


def _unexpected(error: Exception) -> Problem:
    log.error("unexpected error", exc_info=error)
    return Problem(
        500,
        "internal-error",
        "Something went wrong on our side",
        "Nothing was changed. The error is in the service's log with this request's id.",
    )
