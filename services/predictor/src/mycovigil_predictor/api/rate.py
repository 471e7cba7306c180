"""Rate limits on Redis, shared by all predictors; local while Redis is away."""

import math
import time
from typing import Literal

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mycovigil.problem import Problem
from mycovigil_predictor.api import problems
from mycovigil_predictor.metrics import Metrics

REDIS_SECONDS = 0.5
PAUSE_SECONDS = 2.0
Question = Literal["hit", "test"]
logger = structlog.get_logger(__name__)


class RateLimit:
    """Sliding-window counters. Fails open: without Redis, each process counts for itself."""

    def __init__(self, redis_url: str, metrics: Metrics) -> None:
        self._metrics = metrics
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._connections = ConnectionPool.from_url(
            redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._shared = SlidingWindowCounterRateLimiter(
            RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                key_prefix="mycovigil-limits",
                connection_pool=self._connections,  # type: ignore[arg-type]
            )
        )
        self._away_until = -math.inf

    async def check(self, rate: str, *names: str) -> None:
        """Count one request of ``names``, for instance ("key", prefix).

        Raises:
            Problem: 429, over ``rate``.
        """
        item = parse(rate)
        if not await self._ask("hit", item, *names):
            raise _over(rate, item)

    async def test(self, rate: str, *names: str) -> None:
        """As :meth:`check`, without counting."""
        item = parse(rate)
        if not await self._ask("test", item, *names):
            raise _over(rate, item)

    def _pause(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._away_until:  # many requests may find out at once
            logger.warning("rate limits are local, Redis is away", error=str(error))
        self._away_until = now + PAUSE_SECONDS

    async def close(self) -> None:
        await self._connections.aclose()

    async def _ask(self, question: Question, item: RateLimitItem, *names: str) -> bool:
        if time.monotonic() >= self._away_until:
            try:
                return bool(await getattr(self._shared, question)(item, *names))
            except (RedisError, OSError) as error:
                self._pause(error)
        if question == "hit":
            self._metrics.limit_failures.inc()
        return bool(await getattr(self._local, question)(item, *names))


def _over(rate: str, item: RateLimitItem) -> Problem:
    return problems.rate_limited(rate, item.get_expiry() // item.amount + 1)
