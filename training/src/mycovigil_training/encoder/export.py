"""From torch weights to a folder with `encoder.onnx` and `encoder.json`, checked for parity."""

from __future__ import annotations

import io
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mycovigil.encoder.identity import (
    ONNX_FILE,
    EncoderIdentity,
    file_digest,
    preprocessing_digest,
)
from mycovigil_training.encoder import graph, quantization
from mycovigil_training.encoder.parity import BOUNDS, Parity, compare
from mycovigil_training.encoder.runtime import open_session, run_graph
from mycovigil_training.encoder.source import Source
from mycovigil_training.encoder.trial_photos import dealt, squares, trial_photos

CALIBRATED_ON = 192
JUDGED_BY = 64


class Precision(StrEnum):
    """How the weights are stored: exact, halved, or 8-bit integers."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


def export(
    source: Source,
    out: Path,
    *,
    precision: Precision,
    photos: Path | None = None,
    bound: float | None = None,
) -> EncoderIdentity:
    """Write `encoder.onnx` and `encoder.json` into `out`; on failure leave `out` as it was.

    Args:
        source: What to export.
        out: Folder, made if missing.
        precision: How to store the weights.
        photos: Folder of photos to calibrate on and judge by; the simulator's if none.
        bound: Least cosine to the torch model; `parity.BOUNDS` if none.

    Raises:
        ParityFailure: The graph strays from the torch model.
        GraphTooLarge, TooFewPhotos, TooFewCalibrationPhotos: As their names say.
    """
    static = precision is Precision.INT8 and graph.is_convolutional(source.tower)
    files = trial_photos(photos, JUDGED_BY + (CALIBRATED_ON if static else 0))
    calibration, judged = dealt(files, JUDGED_BY)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ONNX_FILE
        graph.write_graph(source, path)
        _lower(path, source, precision, calibration)
        allowed = BOUNDS[precision] if bound is None else bound
        parity = judge(source, path, judged, allowed)
        content = path.read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    (out / ONNX_FILE).write_bytes(content)
    identity = _identity(source, out / ONNX_FILE, precision, parity)
    identity.write(out)
    return identity


def judge(source: Source, path: Path, photos: list[bytes], bound: float) -> Parity:
    """Compare a graph with its torch model on photo files.

    Raises:
        ParityFailure: It strays further than `bound`.
    """
    pixels = squares(photos, source.image_size, source.resize)
    return compare(
        graph.graph_features(source, pixels),
        run_graph(open_session(path), pixels),
        bound=bound,
        own_transform=_own_features(source, photos),
    )


def _lower(path: Path, source: Source, precision: Precision, photos: list[bytes]) -> None:
    if precision is Precision.FP16:
        graph.halve_weights(path)
    elif precision is Precision.INT8 and graph.is_convolutional(source.tower):
        quantization.quantise_static(path, squares(photos, source.image_size, source.resize))
    elif precision is Precision.INT8:
        quantization.quantise_dynamic(path)


def _own_features(source: Source, photos: list[bytes]) -> NDArray[np.float32] | None:
    """Features by the library's own transform of the files, if it has one."""
    if source.transform is None:
        return None
    images = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
    values = torch.stack([source.transform(image) for image in images])
    with torch.inference_mode():
        rows = torch.cat([source.tower(part) for part in torch.split(values, 16)])
    return np.asarray(torch.nn.functional.normalize(rows, dim=-1).numpy(), dtype=np.float32)


def _identity(source: Source, path: Path, precision: Precision, parity: Parity) -> EncoderIdentity:
    with torch.inference_mode():
        blank = torch.zeros(1, 3, source.image_size, source.image_size)
        dimension = int(source.tower(blank).shape[1])
    return EncoderIdentity(
        name=source.name,
        architecture=source.architecture,
        weights_digest=source.weights_digest,
        onnx_digest=file_digest(path),
        precision=precision.value,
        dimension=dimension,
        image_size=source.image_size,
        resize=source.resize,
        interpolation="bicubic",
        mean=source.mean,
        std=source.std,
        preprocessing_digest=preprocessing_digest(
            image_size=source.image_size,
            resize=source.resize,
            interpolation="bicubic",
            mean=source.mean,
            std=source.std,
        ),
        licence=source.licence,
        parity=parity.model_dump(),
    )
