"""Closed-loop HTTP load: every client sends its next photo when the last answer is there."""

import asyncio
import time
from dataclasses import dataclass

import httpx
import numpy as np
import psutil


@dataclass(frozen=True)
class Load:
    """``cpu_ms`` of the server process and its children, a request; latencies in ms."""

    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    cpu_ms: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children so far."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return float(sum(one.cpu_times().user + one.cpu_times().system for one in family))


def measure(
    url: str,
    headers: dict[str, str],
    photos: list[bytes],
    *,
    clients: int,
    seconds: float,
    pid: int,
) -> Load:
    """Load ``url`` for some seconds after a warm-up of a tenth of them."""
    asyncio.run(_run(url, headers, photos, clients, seconds / 10))
    before, start = cpu_seconds(pid), time.perf_counter()
    latencies = asyncio.run(_run(url, headers, photos, clients, seconds))
    spent, wall = cpu_seconds(pid) - before, time.perf_counter() - start
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    count = len(latencies)
    return Load(count, count / wall, p50, p95, p99, 1_000 * spent / count)


async def _run(
    url: str, headers: dict[str, str], photos: list[bytes], clients: int, seconds: float
) -> list[float]:
    latencies: list[float] = []
    over = time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=clients)

    async def client(number: int) -> None:
        turn = number
        while time.perf_counter() < over:
            turn += 1
            start = time.perf_counter()
            answer = await http.post(url, content=photos[turn % len(photos)], headers=headers)
            answer.raise_for_status()
            latencies.append(1_000 * (time.perf_counter() - start))

    async with httpx.AsyncClient(limits=limits, timeout=120, trust_env=False) as http:
        await asyncio.gather(*(client(number) for number in range(clients)))
    return latencies
