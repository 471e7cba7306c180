"""A micro-batcher for anything: items in one by one, to a function in batches."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class QueueFull(RuntimeError):
    """As many items are waiting as the batcher takes; come back later."""


class Expired(TimeoutError):
    """The item's deadline passed before its turn came; it was not computed."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T, R]):
    item: T
    answer: asyncio.Future[R]
    deadline: float


class Batcher(Generic[T, R]):
    """Workers that each take the first waiting item and whatever waits behind it, up to ``size``.

    A lone item goes at once. Only while another worker is busy does a worker wait, at most
    ``wait`` seconds, for its batch to fill. Items whose caller has gone, or whose deadline on
    the loop's clock has passed, are dropped and not computed.
    """

    def __init__(
        self,
        process: Callable[[list[T]], Awaitable[Sequence[R]]],
        *,
        size: int,
        wait: float = 0.0,
        workers: int = 1,
        capacity: int,
    ) -> None:
        self._process = process
        self._size = size
        self._wait = wait
        self._workers = workers
        self._capacity = capacity
        self._queue: asyncio.Queue[_Waiting[T, R]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._present = 0
        self._busy = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def present(self) -> int:
        """Items waiting or in process whose callers are still there."""
        return self._present

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def stop(self) -> None:
        """Finish every item that was taken, then end the workers."""
        await self._empty.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(self, item: T, *, deadline: float = math.inf) -> R:
        """The result for ``item``.

        Args:
            deadline: on the clock of ``loop.time()``.

        Raises:
            QueueFull: ``capacity`` items are present already.
            Expired: the deadline passed first.
        """
        if self._present >= self._capacity:
            raise QueueFull(f"{self._present} items are waiting")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._enter()
        try:
            self._queue.put_nowait(_Waiting(item, answer, deadline))
            return await answer
        finally:
            self._leave()

    def _enter(self) -> None:
        self._present += 1
        self._empty.clear()

    def _leave(self) -> None:
        self._present -= 1
        if self._present == 0:
            self._empty.set()

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            self._take_waiting(batch)
            if self._busy and self._wait and len(batch) < self._size:
                await self._fill(batch)
            self._busy += 1
            try:
                await self._answer(batch)
            finally:
                self._busy -= 1

    def _take_waiting(self, batch: list[_Waiting[T, R]]) -> None:
        while len(batch) < self._size and not self._queue.empty():
            batch.append(self._queue.get_nowait())

    async def _fill(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            async with asyncio.timeout(self._wait):
                while len(batch) < self._size:
                    batch.append(await self._queue.get())
        except TimeoutError:
            return

    async def _answer(self, batch: list[_Waiting[T, R]]) -> None:
        due = [waiting for waiting in batch if _is_due(waiting)]
        if not due:
            return
        try:
            results = await self._process([waiting.item for waiting in due])
        except Exception as error:
            for waiting in due:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, result in zip(due, results, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(result)


def _is_due(waiting: _Waiting[T, R]) -> bool:
    if waiting.answer.done():
        return False
    if waiting.deadline < asyncio.get_running_loop().time():
        waiting.answer.set_exception(Expired("the deadline passed in the queue"))
        return False
    return True
