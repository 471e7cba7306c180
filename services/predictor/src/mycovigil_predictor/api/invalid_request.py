"""The problem of a request that does not have the documented form."""

from fastapi.exceptions import RequestValidationError

from mycovigil.problem import Problem
from mycovigil_web import problems


def invalid(error: RequestValidationError) -> Problem:
    """As every service's, with the keys ``where`` and ``what`` of version 0.1 beside today's
    ``field`` and ``message``, until the next major version."""
    problem = problems.invalid(error)
    for entry, found in zip(problem.extra["errors"], error.errors(), strict=True):
        entry["where"] = "/".join(str(part) for part in found["loc"])
        entry["what"] = entry["message"]
    return problem
