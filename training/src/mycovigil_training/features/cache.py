"""Features of photos seen before, in one file an encoder and kind of view, written as it grows."""

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mycovigil.vision.image.covariates import NAMES

KEY_BYTES = 16


class FeatureCache:
    """Rows by key: features (D,) and covariates (8,), zeros where none were given.

    The file is records of one length, each with its checksum: a run that is killed leaves whole
    records, and what is behind the first broken one is cut off.
    """

    def __init__(self, path: Path, dimension: int) -> None:
        """Open or begin the file.

        Raises:
            OSError: it cannot be written.
        """
        self._path = path
        self._record = np.dtype(
            [
                ("key", f"V{KEY_BYTES}"),
                ("features", "<f4", (dimension,)),
                ("covariates", "<f8", (len(NAMES),)),
                ("checksum", "<u4"),
            ]
        )
        self._rows: dict[bytes, tuple[NDArray[np.float32], NDArray[np.float64]]] = {}
        if path.is_file():
            self._load()

    def __contains__(self, key: str) -> bool:
        return _digest(key) in self._rows

    def get(self, key: str) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        return self._rows[_digest(key)]

    def put(
        self,
        keys: list[str],
        features: NDArray[np.float32],
        covariates: NDArray[np.float64] | None = None,
    ) -> None:
        """Append rows (n, D) and (n, 8) to the file.

        Raises:
            OSError: the disk is full; what was written before stays.
        """
        rows = np.zeros(len(keys), self._record)
        rows["key"] = np.array([_digest(key) for key in keys], f"V{KEY_BYTES}")
        rows["features"] = features
        rows["covariates"] = 0 if covariates is None else covariates
        rows["checksum"] = [_checksum(row.tobytes()) for row in rows]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as stream:
            stream.write(rows.tobytes())
        self._take(rows)

    def _take(self, rows: NDArray[np.void]) -> None:
        for row in rows:
            self._rows[row["key"].tobytes()] = (row["features"], row["covariates"])

    def _load(self) -> None:
        data = self._path.read_bytes()
        size = self._record.itemsize
        whole = 0
        while (whole + 1) * size <= len(data):
            record = data[whole * size : (whole + 1) * size]
            if _checksum(record) != int.from_bytes(record[-4:], "little"):
                break
            whole += 1
        if whole * size < len(data):
            os.truncate(self._path, whole * size)
        self._take(np.frombuffer(data, self._record, count=whole))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()[:KEY_BYTES]


def _checksum(record: bytes) -> int:
    return zlib.crc32(record[:-4])
