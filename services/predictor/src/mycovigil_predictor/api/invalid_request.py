"""The problem of a request that does not have the documented form."""

from fastapi.exceptions import RequestValidationError

from mycovigil.problem import Problem


def invalid(error: RequestValidationError) -> Problem:
    """422 with one entry an error: ``where`` it is, and ``what`` is wrong."""
    errors = [
        {"where": "/".join(str(part) for part in item["loc"]), "what": item["msg"]}
        for item in error.errors()
    ]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
    return Problem(422, "invalid-request", "The request is not valid", detail, errors=errors)
