"""Which photos no encoder of ours may train on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE = 0.25


def held_out(groups: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the rows held out: a quarter of the groups.

    A group (species and day) is held out whole, by a hash of its name alone: training and
    evaluation agree without a list on disk, and a photo added later moves no other.
    """
    return np.array([_uniform(group) < SHARE for group in groups], dtype=np.bool_)


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
