"""Decodes and measures photos, in threads of their own."""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from mycovigil.problem import Problem
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil.vision.image.container.plain_photo import PlainPhoto
from mycovigil.vision.image.container.taking_apart import taken_apart
from mycovigil.vision.image.covariates import Covariates, measure
from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage, UnsupportedImage, decode
from mycovigil.vision.image.fingerprint import fingerprint
from mycovigil.vision.image.gallery import gallery_file

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Photo:
    """``pixels``: uint8 (S, S, 3), as the encoder takes them; ``sha256`` of the bytes as they came,
    ``fingerprint`` of the picture; ``file`` for galleries, where photos are stored."""

    pixels: NDArray[np.uint8]
    covariates: Covariates
    sha256: str
    fingerprint: bytes
    file: bytes | None


class Decoder:
    def __init__(self, *, threads: int, max_pixels: int, store_photos: bool) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._max_pixels = max_pixels
        self._store_photos = store_photos

    async def decode(self, data: bytes, identity: EncoderIdentity) -> Photo:
        """Decode and measure one photo for an encoder.

        Raises:
            Problem: 413, 415 or 422, saying what is wrong with the photo.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._decode, data, identity)
        except UnsupportedImage as error:
            raise _problem(415, "unsupported-photo", "A format we do not read", error) from error
        except UndecodableImage as error:
            raise _problem(422, "undecodable-photo", "Not a readable photo", error) from error
        except TooManyPixels as error:
            raise _problem(413, "too-many-pixels", "The photo is too large", error) from error

    def close(self) -> None:
        self._pool.shutdown(wait=True)

    def _decode(self, data: bytes, identity: EncoderIdentity) -> Photo:
        photo = taken_apart(data)
        image = decode(
            photo,
            size=identity.image_size,
            max_pixels=self._max_pixels,
            resize=identity.resize,
            draft_factor=identity.draft_factor,
        )
        return Photo(
            pixels=image.pixels,
            covariates=measure(image),
            sha256=hashlib.sha256(data).hexdigest(),
            fingerprint=fingerprint(image.pixels),
            file=_stored(photo) if self._store_photos else None,
        )


def _stored(photo: PlainPhoto | bytes) -> bytes | None:
    try:
        return gallery_file(photo)
    except Exception as error:  # Pillow raises nearly everything; an answer matters more
        logger.warning("a photo cannot be stored", error=str(error) or type(error).__name__)
        return None


def _problem(status: int, slug: str, title: str, error: Exception) -> Problem:
    detail = str(error).rstrip(".")
    return Problem(status, slug, title, f"{detail[:1].upper()}{detail[1:]}.")
