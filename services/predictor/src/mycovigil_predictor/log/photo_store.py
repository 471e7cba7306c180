"""Stores the photos of predictions for galleries, where the settings ask for it."""

import asyncio
import hashlib

import structlog

from mycovigil.storage import Storage, photo_key
from mycovigil_predictor.metrics import Metrics

# Longest wait for the storage.
PHOTO_SECONDS = 5.0
logger = structlog.get_logger(__name__)


class PhotoStore:
    def __init__(self, storage: Storage, metrics: Metrics) -> None:
        self._storage = storage
        self._metrics = metrics

    async def store(self, jpeg: bytes | None) -> str | None:
        """The key of a stored JPEG; none where there is none, or the storage fails."""
        if jpeg is None:
            return None
        key = photo_key(hashlib.sha256(jpeg).hexdigest())
        try:
            async with asyncio.timeout(PHOTO_SECONDS):
                return await asyncio.to_thread(self._storage.write, key, jpeg, private=True)
        except Exception as error:  # of any storage; an answer matters more than a gallery
            self._metrics.lost_photos.inc()
            logger.warning("a photo is not stored", error=str(error) or type(error).__name__)
            return None
