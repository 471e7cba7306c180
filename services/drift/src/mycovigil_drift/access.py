"""Who asks, and what they may do: API keys as ``Authorization: Bearer``, or the login cookie."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import KeyRefused, Scope
from mycovigil.db.key import ApiKey
from mycovigil.problem import Problem
from mycovigil_drift.session import Database, database

COOKIE = "mycovigil_key"
SAFE_METHODS = frozenset({"GET", "HEAD"})
bearer = HTTPBearer(auto_error=False, description="A Mycovigil API key: `myco_…`")


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a good key."""

    name: str
    scopes: frozenset[str]


def check_key(session: Session, presented: str) -> Principal:
    """The holder of ``presented``.

    Raises:
        KeyRefused: malformed, unknown, expired or revoked.
    """
    prefix = access.prefix_of(presented)
    row = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    key = access.check(row, presented, now=datetime.datetime.now(tz=datetime.UTC))
    return Principal(key.name, frozenset(key.scopes))


def presented_key(request: Request) -> str | None:
    """The key in the header; the cookie counts only where nothing can be changed by it, so that
    another site's form can do nothing in a logged-in person's name."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials.strip()
    return request.cookies.get(COOKIE) if request.method in SAFE_METHODS else None


def authorise(database: Database, presented: str | None, scope: Scope) -> Principal:
    """The key's holder, if they have ``scope``.

    A short session of its own: a request must never wait for a second connection while it
    holds a first one.

    Raises:
        Problem: 401 without a good key, 403 without the scope.
    """
    if presented is None:
        raise unauthorised("Send an API key as 'Authorization: Bearer myco_…'.")
    try:
        with database.reads() as session:
            principal = check_key(session, presented)
    except KeyRefused as error:
        raise unauthorised(f"{error}.") from error
    if scope not in principal.scopes:
        detail = f"The key '{principal.name}' lacks the scope '{scope}'. Use one that has it."
        raise Problem(403, "scope-missing", "The key may not do this", detail, scope=scope)
    return principal


def unauthorised(detail: str) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer realm="mycovigil"'}
    return Problem(401, "unauthorised", "A good API key is needed", detail, headers=headers)


def requires(scope: Scope) -> Callable[..., Principal]:
    """A dependency that lets in holders of ``scope`` only."""

    def allowed(
        request: Request,
        database: Annotated[Database, Depends(database)],
        _: Annotated[object, Depends(bearer)],
    ) -> Principal:
        return authorise(database, presented_key(request), scope)

    return allowed


def viewer(
    request: Request,
    database: Annotated[Database, Depends(database)],
    _: Annotated[object, Depends(bearer)],
) -> Principal | None:
    """Who looks at a page or at what a page shows: anybody, if the operator made it public."""
    presented = presented_key(request)
    if presented is None and request.state.drift.settings.drift.public_dashboard:
        return None
    request.state.viewer = authorise(database, presented, Scope.READ)
    return request.state.viewer  # type: ignore[no-any-return]


Reader = Annotated[Principal, Depends(requires(Scope.READ))]
Operator = Annotated[Principal, Depends(requires(Scope.OPERATE))]
Viewer = Annotated[Principal | None, Depends(viewer)]
