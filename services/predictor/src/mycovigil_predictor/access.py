"""Who is asking: API keys by Bearer, looked up at most every 1.5 seconds, checked every time."""

import asyncio
import datetime
import time
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from mycovigil import access
from mycovigil.access import KeyRefused, Scope
from mycovigil.db.key import ApiKey
from mycovigil.db.session import Sessions
from mycovigil.problem import Problem
from mycovigil_predictor import problems

FRESH_SECONDS = 1.5
"""A revocation takes effect within this time."""
REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class Caller:
    """``name`` goes into the rows; ``prefix`` identifies the key."""

    name: str
    prefix: str
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    key: ApiKey | None
    looked_up: float


class Keyring:
    """Keys by prefix. While the database is away, the last known state of a key holds."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Known]] = {}

    async def caller(self, presented: str, *any_of: Scope) -> Caller:
        """The owner of a presented key that has one of the scopes.

        Raises:
            Problem: 401 no good key, 403 without the scope, 503 the key cannot be looked up.
        """
        try:
            prefix = access.prefix_of(presented)
            key = await self._key(prefix)
            now = datetime.datetime.now(tz=datetime.UTC)
            good = access.check(key, presented, now=now)
        except KeyRefused as error:
            raise problems.unauthorized(str(error)) from error
        if not any(scope.value in good.scopes for scope in any_of):
            raise _forbidden(any_of, good.scopes)
        return Caller(good.name, good.prefix, frozenset(good.scopes))

    async def _key(self, prefix: str) -> ApiKey | None:
        known = self._known.get(prefix)
        if known and time.monotonic() - known.looked_up < FRESH_SECONDS:
            return known.key
        if prefix not in self._looking:
            task = asyncio.create_task(self._look_up(prefix))
            self._looking[prefix] = task
            task.add_done_callback(lambda _: self._looking.pop(prefix, None))
        return (await asyncio.shield(self._looking[prefix])).key

    async def _look_up(self, prefix: str) -> _Known:
        try:
            known = _Known(await asyncio.to_thread(self._read, prefix), time.monotonic())
        except SQLAlchemyError as error:
            last = self._known.get(prefix)
            if last is None:
                raise problems.database_away() from error
            known = _Known(last.key, time.monotonic())
        self._known[prefix] = known
        self._known.move_to_end(prefix)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _read(self, prefix: str) -> ApiKey | None:
        with self._sessions() as session:
            return session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))


def bearer(authorization: str | None) -> str:
    """The key in an ``Authorization`` header.

    Raises:
        Problem: 401, there is none.
    """
    scheme, _, presented = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise problems.unauthorized("the request carries no API key")
    return presented.strip()


def _forbidden(any_of: tuple[Scope, ...], scopes: list[str]) -> Problem:
    needed = " or ".join(f"'{scope.value}'" for scope in any_of)
    return Problem(
        403,
        "missing-scope",
        "The API key may not do this",
        f"This needs the scope {needed}; the key has {', '.join(scopes) or 'none'}.",
    )
