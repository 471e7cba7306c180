"""Runs the encoder: several one-thread calls at a time, or all cores for a photo that is alone."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil import cpu
from mycovigil.vision.encoder import self_test
from mycovigil.vision.encoder.identity import EncoderIdentity, EncoderMismatch
from mycovigil_predictor.inference.graph_choice import GraphChoice
from mycovigil_predictor.inference.runtime import Graph, open_graph

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]


class Engine:
    """One graph for up to ``lanes`` concurrent one-thread calls, and a wide one on all cores for a
    photo that is alone, where that is faster on this machine."""

    def __init__(self, onnx: Path, identity: EncoderIdentity, *, lanes: int) -> None:
        self.identity = identity
        self.lanes = lanes
        self._running = self._begun = 0
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="encode")
        self._narrow = open_graph(onnx, identity, lanes=lanes)
        self._check_graph()
        self.provider = self._narrow.provider
        self._wide = self._on_all_cores(onnx)
        self._choice = GraphChoice()

    async def encode(self, pixels: Sequence[Pixels]) -> list[Features]:
        """Unit features (D,) of each photo's pixels (S, S, 3), in order."""
        if self._wide is None or len(pixels) > 1 or self._running:
            return await self._run(self._narrow, pixels)
        wide, begun = self._choice.use_wide(), self._begun
        start = time.perf_counter()
        features = await self._run(self._wide if wide else self._narrow, pixels)
        if self._begun == begun + 1:  # nothing else ran meanwhile
            self._choice.record(wide, time.perf_counter() - start)
        return features

    @property
    def lone_photos(self) -> int:
        """Photos by which the graphs were timed, in this round."""
        return self._choice.timed

    async def _run(self, graph: Graph, pixels: Sequence[Pixels]) -> list[Features]:
        self._begun += 1
        self._running += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, _encode, graph, pixels)
        finally:
            self._running -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=True)

    def _check_graph(self) -> None:
        side, dimension = self.identity.image_size, self.identity.dimension
        blank = np.zeros((side, side, 3), dtype=np.uint8)
        shape = _encode(self._narrow, [blank, blank])[0].shape
        if shape != (dimension,):
            raise EncoderMismatch(
                f"the graph gives features of shape {shape}, its identity says ({dimension},)"
            )
        if self.identity.probe:
            seen = [self._narrow.encode(one[np.newaxis]) for one in self_test.pictures(side)]
            self_test.check(np.concatenate(seen), self.identity.probe)

    def _on_all_cores(self, onnx: Path) -> Graph | None:
        cores = cpu.available()
        if cores == 1 or self.provider == "CUDAExecutionProvider":
            return None
        return open_graph(onnx, self.identity, lanes=1, threads=cores)


def _encode(graph: Graph, pixels: Sequence[Pixels]) -> list[Features]:
    return list(graph.encode(np.stack(pixels)))
