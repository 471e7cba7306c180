"""Rate limits on Redis, shared by all processes of a service; local while Redis is away."""

import math
import time
from typing import Literal

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mycovigil_web.problems import rate_limited

REDIS_SECONDS = 0.5
# After a failure, Redis is left alone for this time.
PAUSE_SECONDS = 2.0
Operation = Literal["hit", "test"]
logger = structlog.get_logger(__name__)


class RateLimit:
    """Sliding-window counters. Fails open: without Redis, each process counts for itself."""

    def __init__(self, redis_url: str, *, service: str, failures: Counter) -> None:
        """
        Args:
            service: separates the counters of services on one Redis.
            failures: counts requests that were counted locally because Redis was away.
        """
        self._failures = failures
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
                key_prefix=f"mycovigil-limits-{service}",
                connection_pool=self._connections,  # type: ignore[arg-type]
            )
        )
        self._away_until = -math.inf

    async def check(self, rate: str, *names: str) -> None:
        """Count one request of ``names``, for instance ("key", prefix).

        Raises:
            Problem: 429, over ``rate``.
        """
        await self._within("hit", rate, *names)

    async def test(self, rate: str, *names: str) -> None:
        """As :meth:`check`, without counting."""
        await self._within("test", rate, *names)

    async def close(self) -> None:
        await self._connections.aclose()

    async def _within(self, operation: Operation, rate: str, *names: str) -> None:
        item = parse(rate)
        if not await self._count(operation, item, *names):
            raise rate_limited(rate, item.get_expiry() // item.amount + 1)

    async def _count(self, operation: Operation, item: RateLimitItem, *names: str) -> bool:
        if time.monotonic() >= self._away_until:
            try:
                return bool(await getattr(self._shared, operation)(item, *names))
            except (RedisError, OSError) as error:
                self._pause(error)
        if operation == "hit":
            self._failures.inc()
        return bool(await getattr(self._local, operation)(item, *names))

    def _pause(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._away_until:  # many requests may find out at once
            logger.warning("rate limits are local, Redis is away", error=str(error))
        self._away_until = now + PAUSE_SECONDS
