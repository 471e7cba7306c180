"""Stores the photos of predictions for galleries, where the settings ask for it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from mycovigil.storage import Storage, photo_key
from mycovigil_predictor.metrics import Metrics

# Longest wait for the storage.
PHOTO_SECONDS = 5.0
# Threads of its own: a storage that hangs must not hold those of look-ups and labels.
THREADS = 4
# After so many failures in a row nothing is tried for a while: no request waits for a storage that
# is known to be away, and a thread that hangs in it is not followed by the others.
FAILURES, PAUSE_SECONDS = 3, 30.0
logger = structlog.get_logger(__name__)


class PhotoStore:
    """A storage that fails or hangs costs the gallery a photo, and no request its answer."""

    def __init__(
        self, storage: Storage, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage = storage
        self._metrics = metrics
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="photos")
        self._failures = 0
        self._paused_until = 0.0

    async def store(self, digest: str, file: bytes | None) -> str | None:
        """The key of a stored file, by the digest of the photo as it came; none where there is no
        file, or the storage fails."""
        if file is None:
            return None
        if self._paused:
            self._metrics.lost_photos.inc()
            return None
        key = photo_key(digest)
        try:
            async with asyncio.timeout(PHOTO_SECONDS):
                return self._succeeded(await self._written(key, file))
        except Exception as error:  # of any storage; an answer matters more than a gallery
            self._failed(error)
            return None

    @property
    def _paused(self) -> bool:
        return self._clock() < self._paused_until

    async def _written(self, key: str, file: bytes) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, lambda: self._storage.write(key, file, private=True)
        )

    def _succeeded(self, key: str) -> str:
        self._failures = 0
        self._metrics.photo_storage_paused.set(0)
        return key

    def _failed(self, error: Exception) -> None:
        self._metrics.lost_photos.inc()
        self._failures += 1
        if self._failures >= FAILURES:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._metrics.photo_storage_paused.set(1)
        logger.warning(
            "a photo is not stored",
            error=str(error) or type(error).__name__,
            pause=PAUSE_SECONDS if self._paused else 0,
        )

    def close(self) -> None:
        """Without waiting for a write that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
