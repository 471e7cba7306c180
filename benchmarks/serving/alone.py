"""The encoder's own limit: CPU time an image with nothing around it."""

import asyncio
import time
from pathlib import Path

from mycovigil.encoder.identity import EncoderIdentity
from mycovigil.image.decode import decode
from mycovigil_predictor.engine import Engine


def encoder_cpu_ms(folder: Path, photo: bytes, *, batch: int, seconds: float) -> float:
    """CPU ms an image of one lane in full batches."""
    identity = EncoderIdentity.read(folder)
    engine = Engine(identity.checked_onnx(folder), identity, lanes=1)
    pixels = decode(photo, size=identity.image_size, max_pixels=10**8).pixels

    async def run() -> float:
        await engine.encode([pixels] * batch)
        done, cpu, over = 0, time.process_time(), time.perf_counter() + seconds
        while time.perf_counter() < over:
            await engine.encode([pixels] * batch)
            done += batch
        return 1_000 * (time.process_time() - cpu) / done

    found = asyncio.run(run())
    engine.close()
    return found


def decode_cpu_ms(folder: Path, photo: bytes, *, rounds: int = 20) -> float:
    """CPU ms to decode one photo for the encoder."""
    identity = EncoderIdentity.read(folder)
    cpu = time.process_time()
    for _ in range(rounds):
        decode(photo, size=identity.image_size, max_pixels=10**8)
    return 1_000 * (time.process_time() - cpu) / rounds
