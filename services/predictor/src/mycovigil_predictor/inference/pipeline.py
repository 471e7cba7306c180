"""An engine with its micro-batcher, kept open as long as a request uses it."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.context import Context, get_current

from mycovigil.settings import PredictorSettings
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_predictor.batcher import Batcher
from mycovigil_predictor.inference.engine import Engine, Features, Pixels
from mycovigil_predictor.metrics import Metrics

tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class _Submitted:
    """Pixels with the request's context, for its spans: a batch belongs to many requests."""

    pixels: Pixels
    context: Context = field(default_factory=get_current)
    at: int = field(default_factory=time.time_ns)

    def record_span(self, name: str, start: int, end: int) -> None:
        tracer.start_span(name, self.context, start_time=start).end(end)


class Pipeline:
    """Pixels in, features out, in micro-batches over the engine's lanes."""

    def __init__(self, engine: Engine, settings: PredictorSettings, metrics: Metrics) -> None:
        self._engine = engine
        self._metrics = metrics
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._batcher: Batcher[_Submitted, Features] = Batcher(
            self._encode,
            size=settings.batch_size,
            wait=settings.batch_wait_ms / 1_000,
            workers=engine.lanes,
            capacity=settings.queue_size,
        )

    @property
    def identity(self) -> EncoderIdentity:
        return self._engine.identity

    @property
    def provider(self) -> str:
        return self._engine.provider

    @property
    def waiting(self) -> int:
        return self._batcher.present

    def start(self) -> None:
        self._batcher.start()

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator["Pipeline"]:
        """Keeps the engine open until the block ends, whatever model is promoted meanwhile."""
        self._users += 1
        self._unused.clear()
        try:
            yield self
        finally:
            self._users -= 1
            if self._users == 0:
                self._unused.set()

    async def features(self, pixels: Pixels, *, deadline: float = math.inf) -> Features:
        """As :meth:`Batcher.submit`."""
        with self._metrics.queue_seconds.time():
            return await self._batcher.submit(_Submitted(pixels), deadline=deadline)

    async def retire(self) -> None:
        """Close the engine after its last user."""
        await self._unused.wait()
        await self._batcher.stop()
        self._engine.close()

    async def _encode(self, batch: list[_Submitted]) -> list[Features]:
        self._metrics.batch_sizes.observe(len(batch))
        start = time.time_ns()
        with self._metrics.encode_seconds.time():
            features = await self._engine.encode([one.pixels for one in batch])
        end = time.time_ns()
        for one in batch:
            one.record_span("queue", one.at, start)
            one.record_span("encode", start, end)
        return features
