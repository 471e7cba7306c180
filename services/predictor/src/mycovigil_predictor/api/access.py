"""Who is asking: API keys by Bearer, looked up at most every 1.5 seconds, checked every time."""

import asyncio
import datetime
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from mycovigil import access
from mycovigil.access import KeyRefused, Scope
from mycovigil.db.key import ApiKey
from mycovigil.postgres.engine import Sessions
from mycovigil.problem import Problem
from mycovigil_predictor.api import problems

FRESH_SECONDS = 1.5
"""A revocation takes effect within this time."""
KNOWN_SECONDS = 0.5
"""Longest wait for a key that is known already."""
REMEMBERED = 1_024
READERS = 4


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
    """Keys by prefix. While the database is away or hangs, the last known state of a key holds.

    Prefixes that nobody owns are remembered apart, so that they push out no key.
    """

    def __init__(self, sessions: Sessions, *, seconds: float) -> None:
        """``seconds``: longest wait for a key that is not known yet."""
        self._sessions = sessions
        self._seconds = seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._strange: OrderedDict[str, _Known] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Known]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="keys")

    def close(self) -> None:
        self._readers.shutdown()

    def knows(self, presented: str) -> bool:
        """Whether the key's prefix is that of a known key, so that no stranger is looked up."""
        try:
            return access.prefix_of(presented) in self._known
        except KeyRefused:
            return False

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
        last = self._known.get(prefix) or self._strange.get(prefix)
        if last and time.monotonic() - last.looked_up < FRESH_SECONDS:
            return last.key
        looking = self._looking.get(prefix) or self._look(prefix)
        await asyncio.wait({looking}, timeout=KNOWN_SECONDS if last else self._seconds)
        if looking.done():
            return looking.result().key
        if last is None:
            raise problems.database_away()
        self._remember(prefix, last.key)  # the look goes on, and is not waited for meanwhile
        return last.key

    def _look(self, prefix: str) -> asyncio.Task[_Known]:
        def done(task: asyncio.Task[_Known]) -> None:
            self._looking.pop(prefix, None)
            if not task.cancelled():
                task.exception()  # nobody may be waiting for it any more

        self._looking[prefix] = task = asyncio.create_task(self._look_up(prefix))
        task.add_done_callback(done)
        return task

    async def _look_up(self, prefix: str) -> _Known:
        loop = asyncio.get_running_loop()
        try:
            key = await loop.run_in_executor(self._readers, self._read, prefix)
        except SQLAlchemyError as error:
            last = self._known.get(prefix) or self._strange.get(prefix)
            if last is None:
                raise problems.database_away() from error
            key = last.key
        return self._remember(prefix, key)

    def _remember(self, prefix: str, key: ApiKey | None) -> _Known:
        self._known.pop(prefix, None)
        self._strange.pop(prefix, None)
        place = self._strange if key is None else self._known
        place[prefix] = found = _Known(key, time.monotonic())
        while len(place) > REMEMBERED:
            place.popitem(last=False)
        return found

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
