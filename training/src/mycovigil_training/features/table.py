"""Rows of features with what is known about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mycovigil.vision.image.covariates import NAMES

UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """N rows: ``features`` (N, D) float32 of unit length, ``covariates`` (N, 8) in the order of
    ``mycovigil.vision.image.covariates.NAMES``, ``labels`` (N,) class numbers or -1;
    ``image_keys`` (N,) of the photos in storage, empty where none is kept."""

    features: NDArray[np.float32]
    covariates: NDArray[np.float64]
    labels: NDArray[np.int64]
    species: NDArray[np.str_]
    groups: NDArray[np.str_]
    sha256: NDArray[np.str_]
    image_keys: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: ArrayLike) -> Self:
        """Rows by numbers or by a boolean mask."""
        index = np.asarray(rows)
        index = index if index.dtype == np.bool_ else index.astype(np.int64)
        return type(self)(*(column[index] for column in self._columns()))

    def joined(self, other: "FeatureTable") -> "FeatureTable":
        """These rows, then the other's."""
        if not len(other):
            return self
        both = zip(self._columns(), other._columns(), strict=True)
        return FeatureTable(*(np.concatenate(pair) for pair in both))

    def _columns(self) -> tuple[NDArray[np.generic], ...]:
        return (
            self.features,
            self.covariates,
            self.labels,
            self.species,
            self.groups,
            self.sha256,
            self.image_keys,
        )


def table(
    features: Sequence[NDArray[np.float32]],
    covariates: Sequence[NDArray[np.float64]],
    labels: Sequence[int],
    species: Sequence[str],
    groups: Sequence[str],
    sha256: Sequence[str],
    *,
    dimension: int,
    image_keys: Sequence[str] | None = None,
) -> FeatureTable:
    """A table from columns; an empty one keeps its width. Without keys no photo is kept yet."""
    rows = len(labels)
    return FeatureTable(
        features=np.asarray(features, dtype=np.float32).reshape(rows, dimension),
        covariates=np.asarray(covariates, dtype=np.float64).reshape(rows, len(NAMES)),
        labels=np.asarray(labels, dtype=np.int64),
        species=np.asarray(species, dtype=np.str_),
        groups=np.asarray(groups, dtype=np.str_),
        sha256=np.asarray(sha256, dtype=np.str_),
        image_keys=np.asarray([""] * rows if image_keys is None else image_keys, dtype=np.str_),
    )
