"""Parts of a request with nothing around them: the encoder's own limit, decoding, one insert."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from factories.row import make_row
from numpy.typing import NDArray

from mycovigil.settings import DatabaseSettings
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil.vision.image.decode import decode
from mycovigil_predictor.connection import connect
from mycovigil_predictor.inference.engine import Engine
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.row import Row

BATCH = 8
DECODINGS = 10


class Limit:
    """The engine alone on all cores: as many lanes as the predictor has, in full batches."""

    def __init__(self, folder: Path, photo: bytes, *, lanes: int) -> None:
        self.identity = EncoderIdentity.read(folder)
        self._engine = Engine(self.identity.checked_onnx(folder), self.identity, lanes=lanes)
        self._pixels = _square(photo, self.identity)
        self._lanes = lanes

    def cpu_ms(self, seconds: float) -> float:
        """CPU ms an image."""
        return asyncio.run(self._run(seconds))

    def close(self) -> None:
        self._engine.close()

    async def _run(self, seconds: float) -> float:
        over = time.perf_counter() + seconds

        async def lane() -> int:
            done = 0
            while not done or time.perf_counter() < over:
                await self._engine.encode([self._pixels] * BATCH)
                done += BATCH
            return done

        start = time.process_time()
        done = sum(await asyncio.gather(*(lane() for _ in range(self._lanes))))
        return 1_000 * (time.process_time() - start) / done


def decode_cpu_ms(identity: EncoderIdentity, photo: bytes) -> float:
    """CPU ms to decode one photo for the encoder."""
    start = time.process_time()
    for _ in range(DECODINGS):
        _square(photo, identity)
    return 1_000 * (time.process_time() - start) / DECODINGS


def insert_cpu_ms(url: str, *, rows: int, batches: int, dimension: int) -> float:
    """CPU ms a row that the writing process spends on inserts of ``rows`` rows at once; the
    server's share is in :attr:`serving.load.Load.store_ms`. The rows stay uncommitted."""
    return asyncio.run(_insert(url, rows, batches, dimension))


async def _insert(url: str, rows: int, batches: int, dimension: int) -> float:
    """Into a temporary table of the log's shape: what the client does is the same."""
    async with await connect(DatabaseSettings(url=url), "benchmark", seconds=10.0) as connection:
        await connection.execute("CREATE TEMP TABLE copied (LIKE predictions INCLUDING DEFAULTS)")
        await connection.execute("SET search_path = pg_temp, public")
        await connection.execute("ALTER TABLE copied RENAME TO predictions")
        made = [[_row(dimension) for _ in range(rows)] for _ in range(batches)]
        start = time.process_time()
        for batch in made:
            await copy_rows.insert(connection, batch)
        return 1_000 * (time.process_time() - start) / (rows * batches)


def _row(dimension: int) -> Row:
    row = make_row()
    features = np.random.default_rng(row.id.int % 2**32).standard_normal(dimension)
    unit = (features / np.linalg.norm(features)).astype(np.float32)
    return replace(row, features=unit)


def _square(photo: bytes, identity: EncoderIdentity) -> NDArray[np.uint8]:
    size, resize = identity.image_size, identity.resize
    return decode(photo, size=size, max_pixels=10**8, resize=resize).pixels
