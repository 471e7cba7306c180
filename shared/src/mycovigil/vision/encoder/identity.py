"""The identity of an encoder: weights, precision and preprocessing, each with its digest."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mycovigil.vision.encoder.choice import Choice, RuntimeName
from mycovigil.vision.encoder.training_photos import PREFIX, from_text

ONNX_FILE = "encoder.onnx"
IDENTITY_FILE = "encoder.json"
PACKAGED = Path(__file__).parent


# Of encoders that were exported before it was part of the identity.
EARLIER_DRAFT_FACTOR = 3.0


class EncoderMismatch(ValueError):
    """The file on disk is not the one that its identity describes."""


class EncoderIdentity(BaseModel):
    """The content of ``encoder.json`` beside ``encoder.onnx``.

    The graph takes ``pixels`` uint8 (N, image_size, image_size, 3) sRGB and gives ``features``
    float32 (N, dimension) of unit length; scaling and normalisation happen inside it. It is run
    by ``runtime`` with ``runtime_options``; ``choice`` tells how these were found, if by
    measurement. ``draft_factor``: at which fraction of their size JPEGs are decoded, see
    :func:`mycovigil.vision.image.decode.decode`. ``probe`` holds features for
    :mod:`mycovigil.vision.encoder.self_test`.
    ``non_mushroom_direction`` (dimension,): where, by the encoder's own text tower, photos without
    a mushroom lie; empty if it has none. ``trained_on``: photos that it learned from with their
    labels (:mod:`mycovigil.vision.encoder.training_photos`).
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, serialize_by_alias=True
    )

    name: str
    architecture: str
    weights_digest: str
    onnx_digest: str
    precision: str
    runtime: RuntimeName = "onnxruntime"
    runtime_options: dict[str, str | int] = Field(default_factory=dict)
    dimension: int = Field(ge=1)
    image_size: int = Field(ge=16)
    resize: str = "shortest"
    interpolation: str = "bicubic"
    draft_factor: float = Field(EARLIER_DRAFT_FACTOR, ge=1)
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    preprocessing_digest: str
    licence: str
    parity: dict[str, Any] = Field(default_factory=dict)
    choice: Choice | None = None
    probe: str = ""
    non_mushroom_direction: tuple[float, ...] = Field((), alias="stranger")
    trained_on: str = ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``encoder.json`` of a folder.

        Raises:
            FileNotFoundError: there is none.
        """
        return cls.model_validate_json((folder / IDENTITY_FILE).read_text())

    def write(self, folder: Path) -> None:
        (folder / IDENTITY_FILE).write_text(self.model_dump_json(indent=2) + "\n")

    def decoding_as(self, draft_factor: float) -> Self:
        """The same graph behind another decoding: another encoder, with a digest of its own."""
        digest = preprocessing_digest(
            image_size=self.image_size,
            resize=self.resize,
            interpolation=self.interpolation,
            mean=self.mean,
            std=self.std,
            draft_factor=draft_factor,
        )
        return self.model_copy(
            update={"draft_factor": draft_factor, "preprocessing_digest": digest}
        )

    def registered_as(self, onnx: str, preprocessing: str) -> Self:
        """This encoder as it was when it was registered with these digests: a model that was
        trained before JPEGs were decoded at a smaller fraction goes on with its own decoding.

        Raises:
            EncoderMismatch: the graph is another one, or what comes before it is.
        """
        for identity in (self, self.decoding_as(EARLIER_DRAFT_FACTOR)):
            if (identity.onnx_digest, identity.preprocessing_digest) == (onnx, preprocessing):
                return identity
        other = "graph" if self.onnx_digest != onnx else "preprocessing"
        raise EncoderMismatch(
            f"the encoder {self.name} on this machine has another {other} than the one that was "
            "registered: put back the registered one, or train a model on this one"
        )

    def learned_from(self, digests: Iterable[str]) -> NDArray[np.bool_]:
        """For the sha256 of each photo: did the encoder learn from it?"""
        known = from_text(self.trained_on)
        return np.array([digest[:PREFIX] in known for digest in digests], dtype=bool)

    def checked_onnx(self, folder: Path) -> Path:
        """The graph's path, once its digest is the stated one.

        Raises:
            EncoderMismatch: the file was changed or cut.
        """
        path = folder / ONNX_FILE
        found = file_digest(path)
        if found != self.onnx_digest:
            raise EncoderMismatch(
                f"{path} has digest {found[:12]}, its identity says {self.onnx_digest[:12]}: "
                "export the encoder again"
            )
        return path


def file_digest(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def preprocessing_digest(
    *,
    image_size: int,
    resize: str,
    interpolation: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    draft_factor: float = EARLIER_DRAFT_FACTOR,
) -> str:
    """sha256 of everything that happens to pixels before the tower."""
    described: list[Any] = [image_size, resize, interpolation, list(mean), list(std)]
    if draft_factor != EARLIER_DRAFT_FACTOR:
        described.append(draft_factor)
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def locate(uri: str) -> Path:
    """The folder of an encoder: a packaged name (``lite/int8-weights``) or a path.

    Raises:
        FileNotFoundError: neither exists.
    """
    for folder in (PACKAGED / uri, Path(uri.removeprefix("file://"))):
        if (folder / IDENTITY_FILE).is_file():
            return folder
    raise FileNotFoundError(
        f"no encoder at {uri!r}: give a packaged name (lite/int8-weights, mini/int8, mini/fp16) "
        f"or a folder made by 'mycovigil encoder export'"
    )
