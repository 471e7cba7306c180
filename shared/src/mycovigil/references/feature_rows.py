"""Rows of photos as aligned arrays: the same shape for a reference set and for a window."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Integer, Select, cast, func, or_, select

from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import NAMES

# Sixteen-bit words before the values: dimension and a reserved zero (pgvector's send format).
HALFVEC_HEADER = 2
SLICES: dict[str, Any] = {
    "client": Prediction.client,
    "app_version": Prediction.app_version,
    "hour": cast(func.extract("hour", func.timezone("UTC", Prediction.created_at)), Integer),
}
# What `mycovigil.references.each_photo` takes the photos of an answer apart by.
PHOTO_COLUMNS: tuple[Any, ...] = (
    Prediction.created_at,
    Prediction.key_prefix,
    Prediction.image_sha256,
    Prediction.fingerprint,
    Prediction.photos,
    Prediction.photo_rows,
    Prediction.image_key,
)
# Places in a row of :func:`columns`.
ANSWER, GROUP, LABEL, COVARIATES = 0, 4, 5, 6
_SLICES = COVARIATES + len(NAMES)
SENT_AT, KEY_PREFIX, IMAGE, FINGERPRINT, PHOTOS, PHOTO_ROWS, IMAGE_KEY = range(
    _SLICES + len(SLICES), _SLICES + len(SLICES) + len(PHOTO_COLUMNS)
)


class MixedFeatures(ValueError):
    """Feature vectors of different lengths lie side by side: more than one encoder wrote them."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """``keys``: prediction ids or reference ordinals; ``features`` (n, d) and ``covariates``
    (n, 8; NaN is missing) float32, ``probabilities`` (n, 4), ``distances`` (n,)."""

    keys: list[uuid.UUID] | list[int]
    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    covariates: NDArray[np.float32]
    distances: NDArray[np.float32]
    groups: list[str | None]
    # The truth, where known, in a reference set; the predicted class in a window.
    labels: list[str | None]
    # Columns of :data:`SLICES`, one value a row; empty in a reference set.
    slices: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) index into ``CLASSES`` of the most probable class."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """What the test reads: features, probabilities and covariates."""
        return self.features, self.probabilities, self.covariates

    @property
    def dependent(self) -> list[str | None] | None:
        """Group keys if any two rows share one, else none."""
        given = [group for group in self.groups if group is not None]
        return self.groups if len(set(given)) < len(given) else None

    def at_most(self, most: int, *, labelled: bool = False) -> NDArray[np.int64]:
        """Numbers of at most ``most`` rows, or of those with a label, the same at every call; drawn
        at random, for the rows of a reference set may lie class by class."""
        numbers = np.arange(len(self))
        if labelled:
            numbers = np.flatnonzero([label is not None for label in self.labels])
        if len(numbers) > most:
            numbers = np.sort(np.random.default_rng(0).choice(numbers, most, replace=False))
        return np.asarray(numbers, np.int64)

    def digest(self, *, scores: bool) -> str:
        """sha256 of what the test reads, in order; pins a report's inputs for its replay.

        ``scores``: with the distances; tests that knew no novelty read none.
        """
        found = hashlib.sha256()
        distances = [self.distances] if scores else []
        for array in (self.features, self.probabilities, self.covariates, *distances):
            found.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return found.hexdigest()


def apart_from(
    source: type[Prediction] | type[ReferenceSample], photos: Select[Any]
) -> ColumnElement[bool]:
    """Rows of other photos than those with the selected hashes.

    A test was fitted on its reference photos: the same photo in a window would bias the result.
    """
    return other_photos(source.image_sha256, photos)


def other_photos(image: Any, photos: Select[Any]) -> ColumnElement[bool]:
    """Whether ``image``, a photo's hash, is none of those selected."""
    hashes = photos.subquery().c[0]
    known = select(hashes).where(hashes.is_not(None))
    return or_(image.is_(None), image.not_in(known))


def judged_by_photo() -> ColumnElement[bool]:
    """Answers to one photo, or with rows of their photos; older ones hold a mean only."""
    return or_(Prediction.photos == 1, Prediction.photo_rows.is_not(None))


def photos_of(reference_set_id: uuid.UUID | None) -> Select[Any]:
    """Hashes of a reference set's photos; of none without a set."""
    return select(ReferenceSample.image_sha256).where(
        ReferenceSample.reference_set_id == reference_set_id
    )


def columns(source: type[Prediction] | type[ReferenceSample]) -> tuple[Any, ...]:
    """What :func:`assembled` needs of each row; features travel in their binary form."""
    window = source is Prediction
    return (
        Prediction.id if window else ReferenceSample.ordinal,
        func.halfvec_send(source.features),
        source.probabilities,
        source.distance,
        source.group_key,
        source.label,
        *(getattr(source, name) for name in NAMES),
        *((*SLICES.values(), *PHOTO_COLUMNS) if window else ()),
    )


def assembled(rows: Sequence[Any]) -> Rows:
    """Arrays of the rows that a select of :func:`columns` returned.

    Raises:
        MixedFeatures: the vectors differ in length.
    """
    covariates = [[np.nan if v is None else v for v in row[COVARIATES:_SLICES]] for row in rows]
    return Rows(
        keys=[row[0] for row in rows],
        features=_features([row[1] for row in rows]),
        probabilities=_table([row[2] for row in rows], len(CLASSES)),
        covariates=_table(covariates, len(NAMES)),
        distances=np.array([row[3] for row in rows], dtype=np.float32),
        groups=[row[GROUP] for row in rows],
        labels=[row[LABEL] for row in rows],
        slices={
            name: [row[column] for row in rows]
            for column, name in enumerate(SLICES, start=_SLICES)
            if rows and len(rows[0]) > _SLICES
        },
    )


def _table(values: list[Any], width: int) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(len(values), width)


def _features(vectors: list[bytes]) -> NDArray[np.float32]:
    if not vectors:
        return np.empty((0, 0), np.float32)
    if len({len(vector) for vector in vectors}) > 1:
        raise MixedFeatures("feature vectors of different lengths: rows of more than one encoder")
    words = np.frombuffer(b"".join(vectors), dtype=">f2").reshape(len(vectors), -1)
    return words[:, HALFVEC_HEADER:].astype(np.float32)
