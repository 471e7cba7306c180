"""Small copies of a collection's photos in storage: a gallery shows them beside a night's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import structlog

from mycovigil.storage import Storage, photo_key
from mycovigil.vision.image.gallery import small_copy
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.progress import tracked

SIDE = 512
log = structlog.get_logger("mycovigil.training")


@dataclass(frozen=True, slots=True)
class ReferencePhotos:
    """``paths``: where the photos of a collection lie, by their sha256."""

    paths: Mapping[str, Path]

    @classmethod
    def of(cls, folder: Path, photos: Iterable[CuratedPhoto]) -> Self:
        return cls({photo.sha256: folder / photo.path for photo in photos})

    def stored(self, storage: Storage, rows: FeatureTable) -> FeatureTable:
        """The rows with the storage keys of their photos; photos of the collection are copied
        unless storage has them. A photo that storage or Pillow refuses gets no key."""
        keys = [
            key or self._copied(storage, digest)
            for key, digest in tracked(
                list(zip(rows.image_keys.tolist(), rows.sha256.tolist(), strict=True)),
                "storing reference photos",
            )
        ]
        return replace(rows, image_keys=np.asarray(keys, dtype=np.str_))

    def _copied(self, storage: Storage, digest: str) -> str:
        if digest not in self.paths:
            return ""
        key = photo_key(digest)
        try:
            if not storage.exists(key):
                small = small_copy(self.paths[digest].read_bytes(), side=SIDE)
                storage.write(key, small, private=True)
        except Exception as error:  # of any storage, or of Pillow; a gap in a gallery costs less
            log.warning("a reference photo is not stored", photo=digest, error=str(error))
            return ""
        return key
