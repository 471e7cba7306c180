"""The encoders at hand: those in the package, and those exported below a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from rich.table import Table

from mycovigil.vision.encoder.identity import (
    IDENTITY_FILE,
    PACKAGED,
    EncoderIdentity,
    EncoderMismatch,
)


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder on disk.

    Attributes:
        uri: Packaged name or folder, as settings take it.
        identity: What its `encoder.json` says, if it can be read.
        trouble: Why it cannot be served; empty if it can.
    """

    uri: str
    identity: EncoderIdentity | None
    trouble: str


def known_encoders(folders: Iterable[Path]) -> list[KnownEncoder]:
    """Every encoder in the package and below `folders`, digests checked."""
    packaged = [
        _known(path.parent, str(path.parent.relative_to(PACKAGED)))
        for path in sorted(PACKAGED.rglob(IDENTITY_FILE))
    ]
    exported = [
        _known(path.parent, str(path.parent))
        for folder in folders
        for path in sorted(folder.rglob(IDENTITY_FILE))
    ]
    return packaged + exported


def table(encoders: list[KnownEncoder]) -> Table:
    """For a terminal: one line an encoder."""
    shown = Table("encoder", "model", "precision", "dimension", "pixels", "weights", "state")
    for encoder in encoders:
        identity = encoder.identity
        facts = (
            ("?",) * 5
            if identity is None
            else (
                identity.name,
                identity.precision,
                str(identity.dimension),
                str(identity.image_size),
                identity.weights_digest[:12],
            )
        )
        shown.add_row(encoder.uri, *facts, encoder.trouble or "ready")
    return shown


def _known(folder: Path, uri: str) -> KnownEncoder:
    try:
        identity = EncoderIdentity.read(folder)
    except ValidationError as error:
        return KnownEncoder(uri, None, f"unreadable identity: {error.error_count()} errors")
    try:
        identity.checked_onnx(folder)
    except (EncoderMismatch, FileNotFoundError) as error:
        return KnownEncoder(uri, identity, str(error))
    return KnownEncoder(uri, identity, "")
