"""Files of the storage for pages and the API, read within bounds."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from mycovigil.storage import MissingObject, Storage, StorageUnavailable
from mycovigil_drift.metrics import Metrics

# Longest wait for the storage.
SECONDS = 5.0
# Threads of its own: a storage that hangs must not hold those of all other requests.
THREADS = 4
# After so many failures in a row nothing is tried for a while.
FAILURES, PAUSE_SECONDS = 3, 30.0
log = structlog.get_logger(__name__)
T = TypeVar("T")


class StoredFiles:
    """Reads from a storage; one that hangs costs a few requests some seconds, and then none."""

    def __init__(
        self, storage: Storage, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage = storage
        self._metrics = metrics
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")
        self._failures = 0
        self._paused_until = 0.0

    def read(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            MissingObject: there is none.
            StorageUnavailable: it does not answer in time, or did not before and is left alone.
        """
        return self._within_bounds(lambda: self._storage.read(key))

    def keys(self, prefix: str) -> list[str]:
        """Keys below a folder, sorted. Raises StorageUnavailable as :meth:`read`."""
        return self._within_bounds(lambda: self._storage.keys(prefix))

    def _within_bounds(self, call: Callable[[], T]) -> T:
        if self._clock() < self._paused_until:
            raise StorageUnavailable("it did not answer before, and is left alone for a while")
        future = self._pool.submit(call)
        try:
            found = future.result(SECONDS)
        except MissingObject:
            self._succeeded()
            raise
        except TimeoutError as error:
            future.cancel()
            self._failed()
            raise StorageUnavailable(f"no answer within {SECONDS:g} s") from error
        except StorageUnavailable:
            self._failed()
            raise
        self._succeeded()
        return found

    def _succeeded(self) -> None:
        self._failures = 0
        self._metrics.storage_paused.set(0)

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._metrics.storage_paused.set(1)
            log.warning("the storage is left alone", seconds=PAUSE_SECONDS)

    def close(self) -> None:
        """Without waiting for a read that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
