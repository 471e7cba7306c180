"""Batches of a day's answers: their photos read, decoded and encoded, in bounded memory."""

import datetime
import uuid
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.reencoding.lease import Batch, Lease
from mycovigil.storage import MissingObject, Storage
from mycovigil.vision.image.covariates import measure
from mycovigil.vision.image.decode import (
    DecodedImage,
    TooManyPixels,
    UndecodableImage,
    UnsupportedImage,
)
from mycovigil_training.features.engine import Engine

# Answers a batch: 10 MB of pixels at 224 a side.
BATCH = 64
COVARIATES = ("brightness", "contrast", "sharpness", "colour_temperature", "saturation")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the log; ``image_key``: of its kept photo, none where there is none."""

    id: uuid.UUID
    created_at: datetime.datetime
    image_key: str | None


@dataclass(frozen=True, slots=True)
class Encoding:
    """What turns kept photos into rows; photos larger than ``max_pixels`` are not decoded."""

    engine: Engine
    storage: Storage
    max_pixels: int
    threads: Executor

    def batch(self, encoder_id: uuid.UUID, answers: Sequence[Answer]) -> Batch:
        """Encode the photos of some answers, each photo once.

        Raises:
            StorageUnavailable: the storage is away.
        """
        keys = sorted({answer.image_key for answer in answers if answer.image_key})
        images = dict(zip(keys, self.threads.map(self._decoded, keys), strict=True))
        encoded = self._encoded({k: image for k, image in images.items() if image is not None})
        undecodable = {key for key, image in images.items() if image is _BROKEN}
        rows = [
            {
                "encoder_id": encoder_id,
                "created_at": answer.created_at,
                "prediction_id": answer.id,
                **encoded[answer.image_key],
            }
            for answer in answers
            if answer.image_key in encoded
        ]
        broken = sum(answer.image_key in undecodable for answer in answers)
        removed = len(answers) - len(rows) - broken
        return Batch(rows, removed, broken, answers[-1].id)

    def _encoded(self, images: dict[str, "DecodedImage | _Broken"]) -> dict[str, dict[str, Any]]:
        whole = {key: one for key, one in images.items() if isinstance(one, DecodedImage)}
        if not whole:
            return {}
        features = self.engine.encode(np.stack([image.pixels for image in whole.values()]))
        return {
            key: {"features": vector, **_light(image)}
            for (key, image), vector in zip(whole.items(), features, strict=True)
        }

    def _decoded(self, key: str) -> "DecodedImage | _Broken | None":
        """None where the photo is gone."""
        try:
            return self.engine.decoded(self.storage.read(key), max_pixels=self.max_pixels)
        except MissingObject:
            return None
        except (UndecodableImage, UnsupportedImage, TooManyPixels):
            return _BROKEN


class _Broken:
    """Stands for a photo that cannot be decoded."""


_BROKEN = _Broken()


def following(session: Session, lease: Lease, after: uuid.UUID | None) -> list[Answer]:
    """The next answers of the day in order of their ids, by the primary key of its partition."""
    later = () if after is None else (Prediction.id > after,)
    rows = session.execute(
        select(Prediction.id, Prediction.created_at, Prediction.image_key)
        .where(*_of_others(lease), *later)
        .order_by(Prediction.id)
        .limit(BATCH)
    )
    return [Answer(*row) for row in rows]


def counted(session: Session, lease: Lease) -> int:
    """Answers of other encoders on the day."""
    query = select(func.count()).select_from(Prediction).where(*_of_others(lease))
    return session.scalar(query) or 0


def _of_others(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    start = datetime.datetime.combine(lease.day, datetime.time(), tzinfo=datetime.UTC)
    return (
        Prediction.created_at >= start,
        Prediction.created_at < start + datetime.timedelta(days=1),
        Prediction.encoder_id != lease.encoder_id,
    )


def _light(image: DecodedImage) -> dict[str, float]:
    measured = measure(image).columns()
    return {name: float(measured[name] or 0.0) for name in COVARIATES}
