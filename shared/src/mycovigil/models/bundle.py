"""The model bundle: a head, its calibration, its certificate and its novelty scale.

One ``.safetensors`` file holds the arrays; its metadata holds the JSON, so that a single sha256
covers all of it. No pickle.
"""

import datetime
import hashlib
import json
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mycovigil.models.safety import CertificateStatus

FORMAT = "mycovigil-bundle/2"
READ = ("mycovigil-bundle/1", FORMAT)
# Attributes and their names in the file; a bundle may lack the second ones.
ARRAYS = {name: name for name in ("weight", "bias", "centre", "anchors")}
OPTIONAL = {"non_mushroom_direction": "stranger"} | {
    name: name for name in ("output_classes", "scale", "offset")
}


class BundleError(ValueError):
    """The bytes are no bundle, or not the one that was registered."""


class Thresholds(BaseModel):
    """Numbers that the advice's rules compare with; all from calibration photos.

    ``set_level``: conformal threshold, classes with probability >= 1 - set_level[class] are in
    the prediction set; ``deadly_floor`` and ``harm_floor``: the calibrated probability of deadly,
    and of poisonous or deadly together, from which the advice is ``avoid``; ``novelty``: the
    distance to the reference above which we cannot tell; ``not_mushroom``: as ``novelty``, beyond
    which the photo is taken for no mushroom at all; ``non_mushroom_limit``: the score along the
    bundle's ``non_mushroom_direction`` above which it shows something else, none without one.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )
    set_level: tuple[float, float, float, float]
    deadly_floor: float
    harm_floor: float
    novelty: float
    not_mushroom: float
    non_mushroom_limit: float | None = Field(None, alias="stranger")


class Certificate(BaseModel):
    """What the calibration photos support.

    ``bound``: with this ``confidence`` at most this share of deadly specimens has a photo answered
    neither ``avoid`` nor ``cannot_tell``, if they are drawn like those of the calibration; none if
    not certifiable. It is the ``target`` that ``calibration_photos`` (specimens, of which
    ``calibration_missed`` are lost) carry by their number; ``smallest_certifiable``: what they
    would show with none lost. Models of earlier releases name no confidence: their bound is an
    expected share (conformal risk control, arXiv 2208.02814).

    ``doubt``: why the bound is in doubt from the start, which ``state`` says as ``suspect``;
    ``new_days_since``: begin of the drift that the model answers, until it has a bound for the days
    since.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    state: CertificateStatus
    risk: str
    target: float
    bound: float | None
    confidence: float | None = None
    calibration_photos: int
    calibration_missed: int | None = None
    smallest_certifiable: float
    statement: str
    doubt: str | None = None
    new_days_since: datetime.datetime | None = None


class BundleMeta(BaseModel):
    """The JSON beside the arrays; ``output_species`` names what each output of the head stands for,
    where it tells more than the classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: str = FORMAT
    version: str
    encoder_uri: str
    encoder_name: str
    encoder_precision: str
    onnx_digest: str
    preprocessing_digest: str
    dimension: int
    classes: tuple[str, ...]
    output_species: tuple[str, ...] = ()
    thresholds: Thresholds
    certificate: Certificate
    look_alikes: dict[str, list[str]] = Field(default_factory=dict)
    neighbours: int = 5
    metrics: dict[str, Any] = Field(default_factory=dict)
    calibration: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)


class Bundle(BaseModel):
    """Arrays, float32: ``weight`` (S, D), ``bias`` (S,), ``centre`` (D,): of unit features x,
    softmax(weight @ (x - centre) + bias) are probabilities of S species, whose classes are the
    sorted ``output_classes`` (S,) int64; ``scale`` and ``offset`` (4,) make the classes' sums
    calibrated. Bundles of format 1 have none of the three: an output is a class, calibrated.
    ``anchors`` (K, D) unit reference features, to which the novelty distance (mean cosine distance
    to the ``neighbours`` nearest) is measured, ``species`` of each, empty where unknown;
    ``non_mushroom_direction`` (D,): where photos without a mushroom lie, learned from such photos
    or, where there were too few, from the encoder's text tower.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    meta: BundleMeta
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    centre: NDArray[np.float32]
    anchors: NDArray[np.float32]
    output_classes: NDArray[np.int64] | None = None
    scale: NDArray[np.float32] | None = None
    offset: NDArray[np.float32] | None = None
    non_mushroom_direction: NDArray[np.float32] | None = None
    species: tuple[str, ...] = ()

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N, 4) calibrated probabilities of unit features (N, D); (4,) of one vector (D,)."""
        logits = ((features - self.centre) @ self.weight.T + self.bias).astype(np.float64)
        if self.output_classes is not None:
            logits = summed(logits, self.output_classes)
        if self.scale is not None and self.offset is not None:
            logits = logits * self.scale + self.offset
        grown = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=-1, keepdims=True))

    def non_mushroom_scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N,): how much each of the unit features (N, D) looks like no mushroom; zeros where the
        bundle has no ``non_mushroom_direction``."""
        if self.non_mushroom_direction is None:
            return np.zeros(len(features))
        return np.asarray(features @ self.non_mushroom_direction, dtype=np.float64)

    def to_bytes(self) -> bytes:
        """The content of the file."""
        found = {key: getattr(self, name) for name, key in (ARRAYS | OPTIONAL).items()}
        arrays = {n: np.ascontiguousarray(array) for n, array in found.items() if array is not None}
        metadata = {"meta": self.meta.model_dump_json(), "species": "\n".join(self.species)}
        return bytes(save(arrays, metadata=metadata))

    @classmethod
    def from_bytes(cls, data: bytes, *, sha256: str | None = None) -> Self:
        """Parse a bundle, checking its digest where one is known.

        Raises:
            BundleError: another file, a cut one, another digest, a newer release's, or arrays that
                do not fit together.
        """
        if sha256 is not None and digest(data) != sha256:
            raise BundleError("the bundle's sha256 is not the registered one")
        try:
            return cls._parse(data)
        except BundleError:
            raise
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"not a model bundle: {error}") from error

    @classmethod
    def _parse(cls, data: bytes) -> Self:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        arrays = load(data)
        species = metadata["species"].split("\n") if metadata.get("species") else []
        _require_known(metadata["meta"])
        meta = BundleMeta.model_validate_json(metadata["meta"])
        known = {name: arrays[key] for name, key in ARRAYS.items()}
        known |= {name: arrays[key] for name, key in OPTIONAL.items() if key in arrays}
        bundle = cls(meta=meta, species=tuple(species), **known)
        bundle._require_fitting()
        return bundle

    def _require_fitting(self) -> None:
        """Else a missing class's probability would be that of the next one."""
        outputs, classes = self.output_classes, len(self.meta.classes)
        if outputs is None:
            outputs = np.arange(classes)
        width = self.meta.dimension
        shapes = {"weight": (len(outputs), width), "bias": (len(outputs),), "centre": (width,)}
        shapes |= {"scale": (classes,), "offset": (classes,), "non_mushroom_direction": (width,)}
        shapes |= {"anchors": (len(self.anchors), width)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape} instead of {shape}")
        if (np.diff(outputs) < 0).any() or set(outputs.tolist()) != set(range(classes)):
            raise ValueError("its outputs do not stand for every class, in order")


def _require_known(meta: str) -> None:
    written = json.loads(meta)["format"]
    if written not in READ:
        raise BundleError(
            f"the bundle has format {written}, and this release reads {' and '.join(READ)}: "
            "update mycovigil"
        )


def summed(outputs: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(…, C) logarithms of the probabilities of classes, each the sum of those of its outputs.

    Args:
        outputs: (…, S) logits.
        classes: (S,) class numbers of the outputs, sorted, each of 0 to C - 1 at least once.
    """
    first = np.searchsorted(classes, np.arange(classes[-1] + 1))
    sums = np.logaddexp.reduceat(outputs, first, axis=-1)
    return np.asarray(sums - np.logaddexp.reduce(sums, axis=-1, keepdims=True))


def digest(data: bytes) -> str:
    """sha256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def key_of(version: str) -> str:
    """Where the bundle of a model version lies in storage."""
    return f"models/{version}/bundle.safetensors"
