"""The micro-batcher: batches, deadlines, hang-ups, bounds."""

import asyncio

import pytest

from mycovigil_predictor.batcher import Batcher, Expired, QueueFull


class Echo:
    """Answers items with themselves once the gate is open, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.gate.wait()
        return items


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_lone_item_does_not_wait_and_the_rest_gathers_behind_it() -> None:
    echo = Echo()
    batcher = Batcher(echo, size=3, wait=60, capacity=10)
    batcher.start()

    asked = [asyncio.create_task(batcher.submit(i)) for i in range(5)]
    await settle()
    assert echo.batches == [[0, 1, 2]]
    echo.gate.set()

    assert await asyncio.gather(*asked) == [0, 1, 2, 3, 4]
    assert echo.batches == [[0, 1, 2], [3, 4]]
    await batcher.stop()


async def test_a_second_worker_fills_its_batch_while_the_first_is_busy() -> None:
    echo = Echo()
    batcher = Batcher(echo, size=2, wait=60, workers=2, capacity=10)
    batcher.start()

    asked = [asyncio.create_task(batcher.submit(0))]
    await settle()
    asked.append(asyncio.create_task(batcher.submit(1)))
    await settle()
    assert echo.batches == [[0]]  # item 1 waits for company
    asked.append(asyncio.create_task(batcher.submit(2)))
    await settle()
    assert echo.batches == [[0], [1, 2]]

    echo.gate.set()
    await asyncio.gather(*asked)
    await batcher.stop()


async def test_who_hangs_up_is_not_computed_and_frees_the_place() -> None:
    echo = Echo()
    batcher = Batcher(echo, size=1, capacity=2)
    batcher.start()
    first = asyncio.create_task(batcher.submit(1))
    second = asyncio.create_task(batcher.submit(2))
    await settle()
    with pytest.raises(QueueFull):
        await batcher.submit(3)

    second.cancel()
    await settle()
    third = asyncio.create_task(batcher.submit(3))
    await settle()
    echo.gate.set()

    assert list(await asyncio.gather(first, third)) == [1, 3]
    assert echo.batches == [[1], [3]]
    await batcher.stop()


async def test_expired_items_are_not_computed() -> None:
    echo = Echo()
    echo.gate.set()
    batcher = Batcher(echo, size=4, capacity=4)
    batcher.start()
    with pytest.raises(Expired):
        await batcher.submit(1, deadline=asyncio.get_running_loop().time() - 1)
    assert echo.batches == []
    await batcher.stop()


async def test_a_failing_batch_fails_its_callers_only() -> None:
    calls = 0

    async def process(items: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("broken")
        return items

    batcher = Batcher(process, size=4, capacity=4)
    batcher.start()
    with pytest.raises(RuntimeError, match="broken"):
        await batcher.submit(1)
    assert await batcher.submit(2) == 2
    await batcher.stop()


async def test_stopping_finishes_what_was_taken() -> None:
    echo = Echo()
    batcher = Batcher(echo, size=1, capacity=8)
    batcher.start()
    asked = [asyncio.create_task(batcher.submit(i)) for i in range(4)]
    await settle()
    stopping = asyncio.create_task(batcher.stop())
    echo.gate.set()
    await stopping
    assert [task.result() for task in asked] == [0, 1, 2, 3]
