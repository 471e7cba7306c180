"""Every error leaves as RFC 9457 problem+json, or as a page where the service has one."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mycovigil.problem import MEDIA_TYPE, TYPE_PREFIX, Problem
from mycovigil.storage import StorageUnavailable
from mycovigil_web.metrics import WebMetrics
from mycovigil_web.problem_catalogue import catalogue

# nginx's status for a client that closed the connection; only our log shows it.
CLIENT_CLOSED_REQUEST = 499
SLUGS = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}
Page = Callable[[Request, Problem], Response]
logger = structlog.get_logger(__name__)


class ProblemResponder:
    """Turns a problem into a response: a page for browsers outside ``/v1``, JSON for programs."""

    def __init__(
        self,
        metrics: WebMetrics,
        *,
        earlier: Mapping[str, str] | None = None,
        page: Page | None = None,
    ) -> None:
        """
        Args:
            earlier: the slug that this service answered before by the slug of today, where they
                differ; ``{status}`` in it stands for the status.
            page: renders a problem for people.
        """
        self._metrics = metrics
        self._earlier = earlier or {}
        self._page = page

    def __call__(self, request: Request, problem: Problem) -> Response:
        self._metrics.problems.labels(problem.slug).inc()
        if self._page is not None and _wants_page(request):
            return self._page(request, problem)
        return self.json(request, problem)

    def json(self, request: Request, problem: Problem) -> Response:
        """The problem document, with the path it happened at and the request's id."""
        document = problem.body(instance=request.url.path)
        if before := self._earlier.get(problem.slug):
            document["deprecated_type"] = TYPE_PREFIX + before.format(status=problem.status)
        document["request_id"] = request.scope["request_id"]
        return JSONResponse(
            jsonable_encoder(document),
            problem.status,
            headers=problem.headers,
            media_type=MEDIA_TYPE,
        )


def invalid(error: RequestValidationError) -> Problem:
    """422 with one entry an error: the field's path, and what is wrong with it."""
    errors = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]}
        for item in error.errors()
    ]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
    return Problem(422, "invalid-request", "The request is not valid", detail, errors=errors)


def install(
    app: FastAPI,
    respond: ProblemResponder,
    *,
    invalid: Callable[[RequestValidationError], Problem] = invalid,
) -> None:
    """Register the handlers of all errors that have an answer of their own.

    Args:
        invalid: the problem of a request that does not have the documented form.
    """

    def handle(kind: type[Exception], translate: Callable[[Request, Any], Problem]) -> None:
        async def handler(request: Request, error: Exception) -> Response:
            return respond(request, translate(request, error))

        app.add_exception_handler(kind, handler)

    handle(Problem, lambda _request, error: cast("Problem", error))
    handle(RequestValidationError, lambda _request, error: invalid(error))
    handle(HTTPException, _http)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        handle(away, _unreachable)
    handle(DataError, _no_such_value)
    handle(StorageUnavailable, _storage_away)
    app.add_exception_handler(ClientDisconnect, _disconnected)


def database_away() -> Problem:
    return Problem(
        503,
        "database-away",
        "The database does not answer",
        "This needs the database, which cannot be reached now. Nothing was changed; try again in "
        "a few seconds.",
        headers={"Retry-After": "5"},
    )


def storage_away() -> Problem:
    return Problem(
        503,
        "storage-away",
        "The storage does not answer",
        "This is kept in the storage of files, which cannot be reached now; try again in a few "
        "seconds.",
        headers={"Retry-After": "5"},
    )


def unauthorised(detail: str) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer realm="mycovigil"'}
    return Problem(401, "unauthorised", "An API key is needed", detail, headers=headers)


def rate_limited(rate: str, seconds: int) -> Problem:
    return Problem(
        429,
        "rate-limited",
        "Rate limit reached",
        f"At most {rate} requests are answered. Come back in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def internal_error() -> Problem:
    return Problem(
        500,
        "internal-error",
        "Something went wrong on our side",
        "The error is in the service's log with this request's id. Report it to the operator.",
    )


def _wants_page(request: Request) -> bool:
    accepts = request.headers.get("accept", "")
    return "text/html" in accepts and not request.url.path.startswith("/v1/")


def _http(request: Request, error: HTTPException) -> Problem:
    slug = SLUGS.get(error.status_code, "http-error")
    detail = f"{request.method} {request.url.path}: {error.detail}. See /docs."
    if error.status_code == 404:
        detail = "There is nothing at this address. See /docs."
    title = catalogue().types[slug].title
    return Problem(error.status_code, slug, title, detail, headers=dict(error.headers or {}))


def _unreachable(_request: Request, error: Exception) -> Problem:
    logger.warning("database away", error=str(error).splitlines()[0])
    return database_away()


def _storage_away(_request: Request, error: Exception) -> Problem:
    logger.warning("storage away", error=str(error))
    return storage_away()


def _no_such_value(_request: Request, error: Exception) -> Problem:
    """Well-formed, and yet nothing that Postgres can hold: a NUL, the year 12,000."""
    logger.info("value refused by the database", error=str(error).splitlines()[0])
    detail = "A value is out of range or holds a character that cannot be stored; change it."
    return Problem(422, "invalid-request", "The request is not valid", detail)


async def _disconnected(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
