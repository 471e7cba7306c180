"""Which photos no encoder of ours may train on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARE = 0.25
SHARE_WITHOUT_MUSHROOM = 0.5


def held_out(groups: Sequence[str], safety_classes: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the rows held out: a quarter of the groups, half of those without a mushroom.

    A group (species and day) is held out whole, by a hash of its name alone: training and
    evaluation agree without a list on disk, and a photo added later moves no other.
    """
    drawn = np.array([_uniform(group) for group in groups])
    empty = np.array([kind == "not_mushroom" for kind in safety_classes], dtype=np.bool_)
    return np.asarray(drawn < np.where(empty, SHARE_WITHOUT_MUSHROOM, SHARE))


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
