"""Closed-loop HTTP load: every client sends its next photo when the last answer is there.

The client is deliberately thin (a socket, bytes made beforehand), since it shares the machine
with what it measures.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import psutil

LEAST_EACH = 2
WARM_UP = 2
ANSWER_SECONDS = 120


class Refused(RuntimeError):
    """A server under test answered something else than 200."""


@dataclass(frozen=True)
class Load:
    """``cpu_ms`` of the server's processes a request, ``store_ms`` of its database and Redis;
    latencies in ms."""

    requests: int
    per_second: float
    latencies: list[float]
    cpu_ms: float
    store_ms: float


# From a photo to the content type and the body that a server wants.
Body = Callable[[bytes], tuple[str, bytes]]


def message(url: str, headers: dict[str, str], kind: str, body: bytes) -> bytes:
    """An HTTP/1.1 request."""
    place = urlsplit(url)
    lines = [f"POST {place.path} HTTP/1.1", f"Host: {place.netloc}", f"Content-Type: {kind}"]
    lines += [
        f"Content-Length: {len(body)}",
        *(f"{name}: {told}" for name, told in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def cpu_seconds(pids: list[int]) -> float:
    """User and system time so far of some processes and all below them, the ended ones too."""
    return sum(_spent(pid) for pid in pids)


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def measure(
    url: str, messages: list[bytes], *, clients: int, seconds: float, pid: int, stores: list[int]
) -> Load:
    """Load ``url`` for some seconds, and until every client has had two answers."""
    asyncio.run(_run(url, messages, 1, 0, least=WARM_UP))
    before, kept, start = cpu_seconds([pid]), cpu_seconds(stores), time.perf_counter()
    latencies = asyncio.run(_run(url, messages, clients, seconds, least=LEAST_EACH))
    wall, count = time.perf_counter() - start, len(latencies)
    spent, stored = cpu_seconds([pid]) - before, cpu_seconds(stores) - kept
    return Load(count, count / wall, latencies, 1_000 * spent / count, 1_000 * stored / count)


async def _run(
    url: str, messages: list[bytes], clients: int, seconds: float, *, least: int
) -> list[float]:
    latencies: list[float] = []
    place = urlsplit(url)
    over = time.perf_counter() + seconds

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        turn = 0
        while turn < least or time.perf_counter() < over:
            start = time.perf_counter()
            writer.write(messages[(number + turn) % len(messages)])
            await _answer(reader)
            latencies.append(1_000 * (time.perf_counter() - start))
            turn += 1
        writer.close()

    async with asyncio.timeout(seconds + ANSWER_SECONDS):
        await asyncio.gather(*(client(number) for number in range(clients)))
    return latencies


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): told for name, _, told in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    if " 200 " not in f"{status} ":
        raise Refused(f"{status}: {body[:300]!r}")


def percentiles(latencies: list[float]) -> dict[str, float]:
    """p50, p95 and p99 in ms."""
    found = np.percentile(latencies, [50, 95, 99])
    return dict(zip(("p50", "p95", "p99"), map(float, found), strict=True))


def _spent(pid: int) -> float:
    ended = psutil.Process(pid).cpu_times()
    found = float(ended.children_user + ended.children_system)
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found += times.user + times.system
    return found
