"""Problems in the OpenAPI document: FastAPI knows only the models of routes."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from mycovigil.problem import MEDIA_TYPE

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457); `type` is stable, `detail` says what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Of `invalid-request`: one entry a value that is not valid.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Where it is: `body.label`."},
                    "message": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
        "deprecated_type": {
            "type": "string",
            "format": "uri",
            "description": "Until the next major version: the type's earlier spelling.",
        },
    },
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to send the request again, with the same "
        "Idempotency-Key.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
# Statuses whose answers say when to come back.
RETRIED = frozenset({429, 503})
Amend = Callable[[dict[str, Any]], None]


def problem_response(
    status: int, description: str, example: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The response object of an operation that may answer with such a problem."""
    media: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if example is not None:
        media["example"] = example
    response: dict[str, Any] = {"description": description, "content": {MEDIA_TYPE: media}}
    return response | ({"headers": RETRY_AFTER} if status in RETRIED else {})


def define_problem(app: FastAPI, amend: Amend | None = None) -> None:
    """Add the schema that :func:`problem_response` refers to.

    Args:
        amend: changes the document in place, when it is made.
    """
    written = app.openapi

    def document() -> dict[str, Any]:
        made = app.openapi_schema is None
        found = written()
        if made:
            found["components"]["schemas"].setdefault("Problem", SCHEMA)
            if amend is not None:
                amend(found)
        return found

    app.openapi = document  # type: ignore[method-assign]
