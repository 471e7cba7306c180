"""From torch weights to a folder with `encoder.onnx` and `encoder.json`, checked for parity."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mycovigil.vision.encoder import self_test
from mycovigil.vision.encoder.choice import Choice, RuntimeName
from mycovigil.vision.encoder.identity import (
    ONNX_FILE,
    EncoderIdentity,
    file_digest,
    preprocessing_digest,
)
from mycovigil.vision.image.decode import draft_factor_of
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.export.parity import BOUNDS, Parity, compare
from mycovigil_training.encoder.export.runtime import in_batches, open_graph
from mycovigil_training.encoder.export.sample_photos import sample_photos, split_off, squares
from mycovigil_training.encoder.export.variant import VARIANTS, Precision, Variant
from mycovigil_training.encoder.source import Source

CALIBRATED_ON = 192
JUDGED_BY = 64
DECIMALS = 5


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
        precision: How to store the weights and to compute.
        photos: Folder of photos to calibrate on and judge by; the simulator's if none.
        bound: Least cosine to the torch model; `parity.BOUNDS` if none.

    Raises:
        ParityFailure: The graph strays from the torch model.
        RuntimeMissing: The precision needs OpenVINO, or a CPU, that is not here.
        GraphTooLarge, TooFewPhotos, TooFewCalibrationPhotos: As their names say.
    """
    variant = VARIANTS[precision]
    calibrated_on = CALIBRATED_ON if variant.needs_calibration(source) else 0
    calibration, judged = split_off(sample_photos(photos, JUDGED_BY + calibrated_on), JUDGED_BY)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ONNX_FILE
        graph.write_graph(source, path)
        variant.lower(path, source, calibration)
        return publish(source, path, variant, judged, out, bound=bound)


def publish(
    source: Source,
    path: Path,
    variant: Variant,
    photos: list[bytes],
    out: Path,
    *,
    bound: float | None = None,
    choice: Choice | None = None,
) -> EncoderIdentity:
    """Judge a lowered graph by photos, then write it with its identity into `out`.

    Raises:
        ParityFailure: It strays from the torch model; nothing was written.
    """
    allowed = BOUNDS[variant.precision] if bound is None else bound
    parity = judge(source, path, photos, allowed, variant.runtime, variant.options)
    content = path.read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    (out / ONNX_FILE).write_bytes(content)
    identity = _identity(source, out / ONNX_FILE, variant, parity, choice)
    identity.write(out)
    return identity


def judge(
    source: Source,
    path: Path,
    photos: list[bytes],
    bound: float,
    runtime: RuntimeName = "onnxruntime",
    options: Mapping[str, str | int] | None = None,
) -> Parity:
    """Compare a graph with its torch model on photo files.

    Raises:
        ParityFailure: It strays further than `bound`.
    """
    pixels = squares(photos, source.image_size, source.resize)
    return compare(
        graph.graph_features(source, pixels),
        in_batches(open_graph(path, runtime, options or {}), pixels, 32),
        bound=bound,
        own_transform=_own_features(source, photos),
    )


def _own_features(source: Source, photos: list[bytes]) -> NDArray[np.float32] | None:
    """Features by the library's own transform of the files, if it has one."""
    if source.transform is None:
        return None
    images = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
    values = torch.stack([source.transform(image) for image in images])
    with torch.inference_mode():
        rows = torch.cat([source.tower(part) for part in torch.split(values, 16)])
    return np.asarray(torch.nn.functional.normalize(rows, dim=-1).numpy(), dtype=np.float32)


def _rounded(direction: torch.Tensor | None) -> tuple[float, ...]:
    return () if direction is None else tuple(round(x, DECIMALS) for x in direction.tolist())


def _identity(
    source: Source, path: Path, variant: Variant, parity: Parity, choice: Choice | None
) -> EncoderIdentity:
    encode = open_graph(path, variant.runtime, variant.options)
    seen = in_batches(encode, self_test.pictures(source.image_size), 1)
    return EncoderIdentity(
        name=source.name,
        architecture=source.architecture,
        weights_digest=source.weights_digest,
        onnx_digest=file_digest(path),
        precision=variant.precision.value,
        runtime=variant.runtime,
        runtime_options=dict(variant.options),
        dimension=seen.shape[1],
        image_size=source.image_size,
        resize=source.resize,
        interpolation="bicubic",
        draft_factor=(draft_factor := draft_factor_of(source.image_size)),
        mean=source.mean,
        std=source.std,
        preprocessing_digest=preprocessing_digest(
            image_size=source.image_size,
            resize=source.resize,
            interpolation="bicubic",
            mean=source.mean,
            std=source.std,
            draft_factor=draft_factor,
        ),
        licence=source.licence,
        parity=parity.model_dump(),
        choice=choice,
        probe=self_test.to_text(seen),
        non_mushroom_direction=_rounded(source.non_mushroom_direction),
        trained_on=source.trained_on,
    )
