"""Arrays by name as bytes, the same bytes for the same arrays, and their hash."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
# Unpacked contents that are kept. Each night reads the sketches of all days of the baseline, and
# numpy takes a fifth of a millisecond for each of their dozens of small arrays.
KEPT = 256


class Damaged(ValueError):
    """What is stored is not what was written; the message says which part."""


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz file of the arrays, in order of their names; without pickles."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def digest(content: bytes) -> str:
    """Its sha256 in hex."""
    return hashlib.sha256(content).hexdigest()


def unpacked(content: bytes, content_hash: str, what: str) -> Arrays:
    """The arrays of :func:`packed`, read-only.

    Raises:
        Damaged: the bytes have another hash; ``what`` they should be is in the message.
    """
    if digest(content) != content_hash:
        raise Damaged(f"{what} is damaged: its bytes do not have the sha256 {content_hash}")
    return dict(_unpacked(content, what))


@lru_cache(KEPT)
def _unpacked(content: bytes, what: str) -> Arrays:
    arrays = arrays_in(content, what)
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def arrays_in(content: bytes, what: str) -> Arrays:
    """As :func:`unpacked`, of bytes without a known hash."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, zipfile.BadZipFile) as error:
        raise Damaged(f"{what} cannot be read: {error}") from error
