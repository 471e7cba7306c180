"""Errors as the client sees them: RFC 9457 problem details with stable types and a way out."""

from typing import Any

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "https://mycovigil.dev/problems/"


class Problem(Exception):
    """An error with a documented ``type``; services turn it into ``application/problem+json``.

    ``slug`` is the stable last part of the type URI, ``detail`` says what happened and what to do
    about it, ``headers`` travel with the response (``Retry-After``), and ``extra`` are extension
    members of RFC 9457 section 3.2.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra

    def body(self, instance: str | None = None) -> dict[str, Any]:
        """The members of the problem document, in the order of the RFC."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if instance is not None:
            document["instance"] = instance
        return document | self.extra


def not_found(noun: str, identifier: object) -> Problem:
    """404 for a resource that is not (or no longer) there."""
    return Problem(404, "not-found", "Not found", f"There is no {noun} {identifier}.")


def conflict(slug: str, detail: str, **extra: Any) -> Problem:
    """409 for a request that the present state refuses."""
    return Problem(409, slug, "Conflict with the present state", detail, **extra)
