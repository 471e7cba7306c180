"""The ways to store and to compute an encoder: a precision, its runtime, its graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mycovigil.vision.encoder.choice import RuntimeName
from mycovigil_training.encoder.export import graph, quantization, rounding
from mycovigil_training.encoder.export.sample_photos import squares
from mycovigil_training.encoder.source import Source

# Activations that share a scale. Of ViT-B-32 the least centred cosine to fp32 is .9984 with 64 and
# .9980 with 128, for a tenth more time; 32 is slower again and no closer.
GROUP = 64


class Precision(StrEnum):
    """How weights are stored and products computed.

    ``fp16`` is stored halved and computed in fp32. ``int8``: static for convolutions, dynamic for
    transformers, one scale a tensor and batch. ``int8-grouped``: 8-bit weights per channel,
    activations quantised as they come in groups within a row, so that the photos of a batch do
    not touch each other. ``int8-weights``: large kernels stored as int8 per output channel, the
    others as float16, all products in fp32.
    """

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    INT8_GROUPED = "int8-grouped"
    INT8_WEIGHTS = "int8-weights"


@dataclass(frozen=True)
class Variant:
    precision: Precision
    runtime: RuntimeName = "onnxruntime"
    options: Mapping[str, str | int] = field(default_factory=dict)

    def needs_calibration(self, source: Source) -> bool:
        """Whether photos must be given to learn ranges from."""
        return self.precision is Precision.INT8 and graph.is_convolutional(source.tower)

    def lower(self, path: Path, source: Source, calibration: list[bytes]) -> None:
        """Turn the float32 graph at `path` into this variant's."""
        if self.precision is Precision.FP16:
            graph.halve_weights(path)
        elif self.precision is Precision.INT8_GROUPED:
            quantization.quantise_weights(path)
        elif self.precision is Precision.INT8_WEIGHTS:
            rounding.round_weights(path)
        elif self.needs_calibration(source):
            pixels = squares(calibration, source.image_size, source.resize)
            quantization.quantise_static(path, pixels)
        elif self.precision is Precision.INT8:
            quantization.quantise_dynamic(path)
        if self.options:
            graph.annotate(path, "runtime", json.dumps([self.runtime, dict(self.options)]))


VARIANTS = {
    variant.precision: variant
    for variant in (
        Variant(Precision.FP32),
        Variant(Precision.FP16),
        Variant(Precision.BF16, "openvino", {"INFERENCE_PRECISION_HINT": "bf16"}),
        Variant(Precision.INT8),
        Variant(Precision.INT8_WEIGHTS),
        Variant(
            Precision.INT8_GROUPED,
            "openvino",
            {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": GROUP},
        ),
    )
}
# What is measured where the choice is left to us; fp16 and int8-weights
# compute as fp32 does.
CANDIDATES = (Precision.FP32, Precision.BF16, Precision.INT8, Precision.INT8_GROUPED)
