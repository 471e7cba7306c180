"""Features of photos seen before, in one file an encoder and kind of view."""

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class FeatureCache:
    """Rows by key: features (D,) and covariates (8,). A broken file is an empty cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, tuple[NDArray[np.float32], NDArray[np.float64]]] = {}
        self._changed = False
        if path.is_file():
            self._load()

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def get(self, key: str) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        return self._rows[key]

    def put(self, key: str, features: NDArray[np.float32], covariates: NDArray[np.float64]) -> None:
        self._rows[key] = (features, covariates)
        self._changed = True

    def save(self) -> None:
        """Write what is new, whole or not at all."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}.part")
        with partial.open("wb") as stream:
            np.savez(
                stream,
                keys=np.array(list(self._rows)),
                features=np.stack([row[0] for row in self._rows.values()]),
                covariates=np.stack([row[1] for row in self._rows.values()]),
            )
        partial.replace(self._path)
        self._changed = False

    def _load(self) -> None:
        try:
            with self._path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                keys, features, covariates = file["keys"], file["features"], file["covariates"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return
        self._rows = {
            str(key): (row, values)
            for key, row, values in zip(keys, features, covariates, strict=True)
        }
