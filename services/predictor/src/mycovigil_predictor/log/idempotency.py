"""Cache of recent and in-flight idempotent requests; uniqueness across processes is enforced by
the table ``idempotency_keys``."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mycovigil.problem import Problem
from mycovigil_predictor.log.prediction_log import Destination
from mycovigil_predictor.log.row import Claim, Row

MAX_RESULTS = 2_048


@dataclass(frozen=True, slots=True)
class IdempotentResult:
    """A durable row, where it is, and the claim to the key that it holds."""

    row: Row
    destination: Destination
    claim: Claim


class IdempotencyCache:
    """Saves repeated work, and stands in for the table while the database is away."""

    def __init__(self) -> None:
        self._results: OrderedDict[tuple[str, str], IdempotentResult] = OrderedDict()
        self._in_flight: dict[tuple[str, str], asyncio.Future[None]] = {}

    async def get_or_make(
        self, claim: Claim, make: Callable[[], Awaitable[IdempotentResult]]
    ) -> IdempotentResult:
        """The earlier result with this key, or the one of ``make``; waits for one in flight.

        Raises:
            Problem: 422, the key was used for other photos.
        """
        key = (claim.client, claim.key)
        while key in self._in_flight:
            await asyncio.shield(self._in_flight[key])
        if key in self._results:
            return _checked(self._results[key], claim)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight[key] = done
        try:
            result = _checked(await make(), claim)
            self._remember(key, result)
            return result
        finally:
            del self._in_flight[key]
            done.set_result(None)

    def _remember(self, key: tuple[str, str], result: IdempotentResult) -> None:
        self._results[key] = result
        while len(self._results) > MAX_RESULTS:
            self._results.popitem(last=False)


def _checked(result: IdempotentResult, claim: Claim) -> IdempotentResult:
    """``result``, if it was made from the photos of ``claim``."""
    if result.claim.fingerprint != claim.fingerprint:
        raise Problem(
            422,
            "idempotency-key-reused",
            "The idempotency key was used for other photos",
            "An Idempotency-Key stands for one upload. Use a new one for other photos.",
        )
    return result
