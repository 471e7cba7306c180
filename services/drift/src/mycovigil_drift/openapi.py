"""Which problems each operation of ``/v1`` may answer with, for the OpenAPI document."""

from typing import Any

from mycovigil_web.openapi import problem_response

EVERYWHERE = {
    401: "No API key, or not a good one.",
    403: "The key lacks the scope.",
    422: "A parameter, a header or the body is not valid.",
    429: "Over the rate; see Retry-After.",
    503: "The database or the storage does not answer; see Retry-After.",
}
NOT_FOUND = "There is nothing of this id."
CONFLICT = "The present state refuses it; `type` says why."
# FastAPI's own models of a request that is not valid, which no answer has.
UNUSED = ("HTTPValidationError", "ValidationError")


def add_problems(document: dict[str, Any]) -> None:
    """List the problems of every operation of ``/v1``."""
    for path, operations in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, operation in operations.items():
            problems = EVERYWHERE | {404: NOT_FOUND}
            if method != "get":
                problems |= {409: CONFLICT}
            operation["responses"] |= {
                str(status): problem_response(status, description)
                for status, description in sorted(problems.items())
            }
    for name in UNUSED:
        document["components"]["schemas"].pop(name, None)
