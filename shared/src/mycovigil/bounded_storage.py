"""A storage whose reads are bounded in time, for processes that answer requests."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from mycovigil.settings import StorageSettings
from mycovigil.storage import MissingObject, Storage, StorageUnavailable

# Threads of its own: a storage that hangs must not hold those of all requests.
THREADS = 4
# After so many failures in a row nothing is tried for a while.
FAILURES, PAUSE_SECONDS = 3, 30.0
log = structlog.get_logger(__name__)
T = TypeVar("T")


class BoundedStorage(Storage):
    """One that hangs costs a few reads some seconds, and those after them nothing.

    :meth:`read` and :meth:`keys` raise StorageUnavailable where there is no answer in time, and at
    once where there was none before.
    """

    def __init__(
        self,
        settings: StorageSettings,
        *,
        seconds: float,
        paused: Callable[[bool], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            seconds: longest wait for one read.
            paused: called with whether the storage is left alone.
        """
        super().__init__(settings)
        self._seconds = seconds
        self._paused = paused
        self._clock = clock
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")
        self._failures = 0
        self._paused_until = 0.0

    def read(self, key: str) -> bytes:
        return self._within_bounds(super().read, key)

    def keys(self, prefix: str) -> list[str]:
        return self._within_bounds(super().keys, prefix)

    def _within_bounds(self, call: Callable[[str], T], name: str) -> T:
        if self._clock() < self._paused_until:
            raise StorageUnavailable("it did not answer before, and is left alone for a while")
        future = self._pool.submit(call, name)
        try:
            found = future.result(self._seconds)
        except MissingObject:
            self._succeeded()
            raise
        except TimeoutError as error:
            future.cancel()
            self._failed()
            raise StorageUnavailable(f"no answer within {self._seconds:g} s") from error
        except StorageUnavailable:
            self._failed()
            raise
        self._succeeded()
        return found

    def _succeeded(self) -> None:
        self._failures = 0
        self._paused(False)

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._paused_until = self._clock() + PAUSE_SECONDS
            self._paused(True)
            log.warning("the storage is left alone", seconds=PAUSE_SECONDS)

    def close(self) -> None:
        """Without waiting for a read that hangs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
