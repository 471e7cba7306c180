"""Photos that an encoder was trained on with their labels: unfit for calibration."""

import base64
from collections.abc import Iterable

# Hexadecimal digits of a photo's sha256 that are kept: enough for thousands of photos.
PREFIX = 12


def to_text(digests: Iterable[str]) -> str:
    """sha256 digests (hexadecimal) as text for ``encoder.json``."""
    kept = sorted({digest[:PREFIX] for digest in digests})
    return base64.b64encode(bytes.fromhex("".join(kept))).decode()


def from_text(text: str) -> frozenset[str]:
    """The first :data:`PREFIX` digits of each digest."""
    digits = base64.b64decode(text).hex()
    return frozenset(digits[start : start + PREFIX] for start in range(0, len(digits), PREFIX))
