"""API keys of requests: looked up, cached for a moment, and checked every time."""

import asyncio
import datetime
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import KeyRefused, Scope
from mycovigil.db.key import ApiKey
from mycovigil.problem import Problem
from mycovigil_web.problems import database_away, unauthorised

# A revocation takes effect within this time.
FRESH_SECONDS = 1.5
# Longest wait for a key whose last known state could be used instead.
KNOWN_SECONDS = 0.5
REMEMBERED = 1_024
READERS = 4
HOW_TO_SEND = (
    "Send 'Authorization: Bearer <key>'; an operator makes one with 'mycovigil keys create'."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a good key: ``name`` goes into rows, ``prefix`` identifies the key."""

    name: str
    prefix: str
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Lookup:
    """``key`` is none where no key has the prefix; ``at`` by ``time.monotonic``."""

    key: ApiKey | None
    at: float


class KeyCache:
    """Keys by prefix. While the database is away or hangs, the last known state of a key counts.

    Prefixes without a key are cached apart, so that made-up ones push no key out.
    """

    def __init__(
        self,
        sessions: Callable[[], Session],
        *,
        seconds: float,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        """
        Args:
            seconds: longest wait for a key that is not known yet.
            fresh_seconds: how long a key is not looked up again; 0 looks up at every request.
        """
        self._sessions = sessions
        self._seconds = seconds
        self._fresh_seconds = fresh_seconds
        self._known: OrderedDict[str, _Lookup] = OrderedDict()
        self._unknown: OrderedDict[str, _Lookup] = OrderedDict()
        self._running: dict[str, asyncio.Task[_Lookup]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="keys")

    def close(self) -> None:
        self._readers.shutdown()

    def knows(self, presented: str) -> bool:
        """Whether the prefix of ``presented`` is that of a known key."""
        try:
            return access.prefix_of(presented) in self._known
        except KeyRefused:
            return False

    async def caller(self, presented: str, *any_of: Scope) -> Caller:
        """The holder of a presented key that has one of the scopes.

        Raises:
            Problem: 401 no good key, 403 without the scope, 503 the key cannot be looked up.
        """
        try:
            prefix = access.prefix_of(presented)
            row = await self._key(prefix)
            key = access.check(row, presented, now=datetime.datetime.now(tz=datetime.UTC))
        except KeyRefused as error:
            reason = str(error)
            raise unauthorised(f"{reason[:1].upper()}{reason[1:]}. {HOW_TO_SEND}") from error
        if not any(scope.value in key.scopes for scope in any_of):
            raise _scope_missing(key, any_of)
        return Caller(key.name, key.prefix, frozenset(key.scopes))

    async def _key(self, prefix: str) -> ApiKey | None:
        last = self._last(prefix)
        if last and time.monotonic() - last.at < self._fresh_seconds:
            return last.key
        lookup = self._running.get(prefix) or self._start(prefix)
        await asyncio.wait({lookup}, timeout=KNOWN_SECONDS if last else self._seconds)
        if lookup.done():
            return lookup.result().key
        if last is None:
            raise database_away()
        self._remember(prefix, last.key)  # the look-up goes on, and nobody waits for it meanwhile
        return last.key

    def _last(self, prefix: str) -> _Lookup | None:
        return self._known.get(prefix) or self._unknown.get(prefix)

    def _start(self, prefix: str) -> asyncio.Task[_Lookup]:
        def done(task: asyncio.Task[_Lookup]) -> None:
            self._running.pop(prefix, None)
            if not task.cancelled():
                task.exception()  # marks it as seen: nobody may be waiting any more

        self._running[prefix] = task = asyncio.create_task(self._look_up(prefix))
        task.add_done_callback(done)
        return task

    async def _look_up(self, prefix: str) -> _Lookup:
        loop = asyncio.get_running_loop()
        try:
            key = await loop.run_in_executor(self._readers, self._read, prefix)
        except SQLAlchemyError as error:
            last = self._last(prefix)
            if last is None:
                raise database_away() from error
            key = last.key
        return self._remember(prefix, key)

    def _remember(self, prefix: str, key: ApiKey | None) -> _Lookup:
        self._known.pop(prefix, None)
        self._unknown.pop(prefix, None)
        cache = self._unknown if key is None else self._known
        cache[prefix] = found = _Lookup(key, time.monotonic())
        while len(cache) > REMEMBERED:
            cache.popitem(last=False)
        return found

    def _read(self, prefix: str) -> ApiKey | None:
        with self._sessions() as session:
            return session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))


def _scope_missing(key: ApiKey, any_of: tuple[Scope, ...]) -> Problem:
    needed = " or ".join(f"'{scope.value}'" for scope in any_of)
    return Problem(
        403,
        "scope-missing",
        "The API key may not do this",
        f"This needs the scope {needed}; the key '{key.name}' has "
        f"{', '.join(key.scopes) or 'none'}. Use one that has it.",
        scope=any_of[0].value,
    )
