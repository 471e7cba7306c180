"""The predictor's problems, and the handlers that turn every error into problem+json."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mycovigil.problem import MEDIA_TYPE, Problem

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that hung up; nobody reads it but our log."""


def no_model(trouble: str | None = None) -> Problem:
    """Nothing is served: ``trouble`` says why, or no model was trained yet."""
    detail = (
        "No model is in production yet. Run 'mycovigil train' to make the first one; "
        "this service picks it up by itself."
    )
    if trouble:
        detail = f"{trouble}. This service picks it up by itself when it can be loaded."
    return Problem(
        503,
        "no-model",
        "No model in production" if trouble is None else "The model cannot be served",
        detail,
        headers={"Retry-After": "10"},
    )


def busy(seconds: int = 1) -> Problem:
    return Problem(
        429,
        "busy",
        "Too many photos in waiting",
        f"The queue is full. Send the photo again in {seconds} s; an Idempotency-Key makes the "
        "retry safe.",
        headers={"Retry-After": str(seconds)},
    )


def rate_limited(rate: str, seconds: int) -> Problem:
    return Problem(
        429,
        "rate-limited",
        "Rate limit reached",
        f"At most {rate} requests are answered. Come back in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def too_late() -> Problem:
    return Problem(
        503,
        "deadline-passed",
        "The deadline passed",
        "The photo could not be classified in time and was not computed. Send it again.",
        headers={"Retry-After": "1"},
    )


def no_room() -> Problem:
    return Problem(
        503,
        "log-full",
        "Predictions cannot be logged",
        "The database takes no rows now, and neither does the local spool. No answer is given "
        "without a row in the log; come back when the database is there again.",
        headers={"Retry-After": "30"},
    )


def database_away() -> Problem:
    return Problem(
        503,
        "database-away",
        "The database is away",
        "This needs the database, which cannot be reached now. Try again soon.",
        headers={"Retry-After": "5"},
    )


def too_large(limit: int) -> Problem:
    return Problem(
        413,
        "photo-too-large",
        "The photo is too large",
        f"A photo may have {limit:,} bytes. Send a smaller JPEG.",
        limit_bytes=limit,
    )


def unauthorized(detail: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        "An API key is needed",
        f"{detail[:1].upper()}{detail[1:]}. Send 'Authorization: Bearer <key>'; an operator "
        "makes one with 'mycovigil keys create'.",
        headers={"WWW-Authenticate": 'Bearer realm="mycovigil"'},
    )


def install(app: FastAPI) -> None:
    """Every error of ``app`` leaves as ``application/problem+json``."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _hung_up)


def response(problem: Problem, request: Request) -> JSONResponse:
    body = problem.body(instance=request.url.path)
    identifier = request.scope.get("request_id")
    if identifier:
        body["request_id"] = identifier
    return JSONResponse(body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error, request)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": "/".join(str(part) for part in item["loc"]), "what": item["msg"]}
        for item in error.errors()
    ]
    told = "; ".join(f"{item['where']}: {item['what']}" for item in found)
    problem = Problem(422, "invalid-request", "The request is not valid", told, errors=found)
    return response(problem, request)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug, title = {
        404: ("not-found", "Not found"),
        405: ("method-not-allowed", "Method not allowed"),
    }.get(error.status_code, ("http-error", "The request was refused"))
    detail = f"{request.method} {request.url.path}: {error.detail}. See /docs."
    headers = dict(error.headers or {})
    return response(Problem(error.status_code, slug, title, detail, headers=headers), request)


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def unexpected() -> Problem:
    return Problem(
        500,
        "unexpected",
        "An error of ours",
        "Something broke that should not have. Report the request_id to the operator.",
    )
