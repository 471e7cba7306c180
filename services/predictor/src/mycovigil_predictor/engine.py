"""The encoder at work: several one-thread calls at a time, or all cores for a lone photo."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.encoder import probe
from mycovigil.encoder.identity import EncoderIdentity, EncoderMismatch
from mycovigil_predictor.runtime import Graph, open_graph

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]
PAYS = 0.8
"""A wide session must take less than this share of the narrow one's time to be used."""
TRIALS = 8


class Engine:
    """One graph for up to ``lanes`` concurrent one-thread calls. A photo that is alone may use
    all cores, if a trial at start shows that this pays on this machine with this graph.
    """

    def __init__(self, onnx: Path, identity: EncoderIdentity, *, lanes: int) -> None:
        self.identity = identity
        self.lanes = lanes
        self._running = 0
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="encode")
        self._narrow = open_graph(onnx, identity, lanes=lanes)
        self._check_graph()
        self.provider = self._narrow.provider
        self._wide = self._wide_if_it_pays(onnx)

    @property
    def uses_all_cores_for_one(self) -> bool:
        return self._wide is not self._narrow

    async def encode(self, pixels: Sequence[Pixels]) -> list[Features]:
        """Unit features (D,) of each photo's pixels (S, S, 3), in order."""
        alone = len(pixels) == 1 and self._running == 0
        graph = self._wide if alone else self._narrow
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
            seen = [self._narrow.encode(one[np.newaxis]) for one in probe.pictures(side)]
            probe.check(np.concatenate(seen), self.identity.probe)

    def _wide_if_it_pays(self, onnx: Path) -> Graph:
        cores = os.cpu_count() or 1
        if cores == 1 or self.provider == "CUDAExecutionProvider":
            return self._narrow
        wide = open_graph(onnx, self.identity, lanes=1, threads=cores)
        narrow_time, wide_time = _seconds([self._narrow, wide], self.identity.image_size)
        return wide if wide_time < PAYS * narrow_time else self._narrow


def _encode(graph: Graph, pixels: Sequence[Pixels]) -> list[Features]:
    return list(graph.encode(np.stack(pixels)))


def _seconds(graphs: Sequence[Graph], side: int) -> list[float]:
    """The shortest time of each for one photo; in turns, so that a busy moment hits them alike."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    shortest = [math.inf] * len(graphs)
    for _ in range(TRIALS):
        for place, graph in enumerate(graphs):
            start = time.perf_counter()
            _encode(graph, [noise])
            shortest[place] = min(shortest[place], time.perf_counter() - start)
    return shortest
