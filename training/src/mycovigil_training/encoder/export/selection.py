"""Export in whatever form is quickest on this machine among those that are faithful enough."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle
from mycovigil.vision.encoder.choice import Candidate, Choice
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.export.agreement import (
    Agreement,
    Predict,
    Reference,
    fitted_head,
    head_of,
    machine,
    require_classes,
    timed,
)
from mycovigil_training.encoder.export.choice import MOST_CHANGED, judged, quickest
from mycovigil_training.encoder.export.export import CALIBRATED_ON, JUDGED_BY, publish
from mycovigil_training.encoder.export.runtime import Encode, RuntimeMissing, open_graph
from mycovigil_training.encoder.export.sample_photos import (
    SamplePhoto,
    known_photos,
    split_off,
    squares,
)
from mycovigil_training.encoder.export.variant import CANDIDATES, VARIANTS, Precision
from mycovigil_training.encoder.source import Source

MOST_PHOTOS = 1_000


def export_quickest(
    source: Source,
    out: Path,
    *,
    photos: Path | None = None,
    model: Path | None = None,
    bound: float | None = None,
    most_changed: float = MOST_CHANGED,
) -> EncoderIdentity:
    """Measure the candidates, and write the quickest eligible one with all figures into `out`.

    Args:
        source: What to export.
        out: Folder, made if missing.
        photos: Folder of photos to calibrate on and judge by; the simulator's if none.
        model: A trained bundle on this encoder; a head is fitted on the photos if none.
        bound: As for :func:`mycovigil_training.encoder.export.export.export`.
        most_changed: Share of predictions that a candidate may change and be eligible.

    Raises:
        ParityFailure: The chosen graph strays from the torch model.
        TooFewPhotos: None to judge by, or no classes to fit a head on.
        BundleError: `model` is no bundle.
    """
    wanted = [kind for kind in CANDIDATES if _makes_sense(kind, source)]
    calibrated_on = max(CALIBRATED_ON * VARIANTS[one].needs_calibration(source) for one in wanted)
    found = known_photos(photos, MOST_PHOTOS + calibrated_on)
    calibration, held = split_off(found, max(len(found) - calibrated_on, len(found) // 2))
    if model is None:
        require_classes([one.safety_class for one in held])
    with TemporaryDirectory() as folder:
        paths = _lowered(source, Path(folder), wanted, [one.data for one in calibration])
        choice = _choice(source, paths, held, photos is None, model, most_changed)
        chosen = Precision(choice.chosen)
        files = [one.data for one in held[:: max(1, len(held) // JUDGED_BY)]]
        variant = VARIANTS[chosen]
        return publish(source, paths[chosen], variant, files, out, bound=bound, choice=choice)


def _makes_sense(precision: Precision, source: Source) -> bool:
    """Weights of convolutions are not what grouped quantisation touches."""
    return not (precision is Precision.INT8_GROUPED and graph.is_convolutional(source.tower))


def _lowered(
    source: Source, folder: Path, wanted: Sequence[Precision], calibration: list[bytes]
) -> dict[Precision, Path]:
    traced = folder / "traced.onnx"
    graph.write_graph(source, traced)
    paths = {precision: folder / f"{precision}.onnx" for precision in wanted}
    for precision, path in paths.items():
        shutil.copy(traced, path)
        VARIANTS[precision].lower(path, source, calibration)
    return paths


def _choice(
    source: Source,
    paths: Mapping[Precision, Path],
    held: Sequence[SamplePhoto],
    simulated: bool,
    model: Path | None,
    most_changed: float,
) -> Choice:
    pixels = squares([one.data for one in held], source.image_size, source.resize)
    opened, refused = _opened(paths)
    reference = Reference(opened[Precision.FP32], pixels)
    bundle = Bundle.from_bytes(model.read_bytes()) if model else None
    predict = (
        head_of(bundle)
        if bundle
        else fitted_head(reference.features, [one.safety_class for one in held])
    )
    measured = _measured(opened, reference, predict, pixels)
    candidates = [*(judged(one, len(held), most_changed) for one in measured), *refused]
    return Choice(
        machine=machine(),
        photos=len(held),
        simulated=simulated,
        head=f"model {bundle.meta.version}" if bundle else "fitted on these photos, cross-fitted",
        most_changed=most_changed,
        chosen=quickest(candidates).precision,
        candidates=tuple(candidates),
    )


def _opened(
    paths: Mapping[Precision, Path],
) -> tuple[dict[Precision, Encode], list[Candidate]]:
    """What runs here, and the candidates that do not."""
    opened, refused = {}, []
    for precision, path in paths.items():
        variant = VARIANTS[precision]
        try:
            opened[precision] = open_graph(path, variant.runtime, variant.options)
        except RuntimeMissing as error:
            refused.append(
                Candidate(precision=precision, runtime=variant.runtime, refused=str(error))
            )
    return opened, refused


def _measured(
    opened: Mapping[Precision, Encode],
    reference: Reference,
    predict: Predict,
    pixels: NDArray[np.uint8],
) -> list[Candidate]:
    times = timed({str(kind): encode for kind, encode in opened.items()}, pixels)
    found = []
    for precision, encode in opened.items():
        agreement = (
            Agreement(1.0, 1.0, 0)
            if precision is Precision.FP32
            else reference.agreement(encode, predict, precision)
        )
        found.append(
            Candidate(
                precision=precision,
                runtime=VARIANTS[precision].runtime,
                cpu_ms=times[precision][0],
                cpu_ms_alone=times[precision][1],
                centred_cosine_mean=agreement.centred_cosine_mean,
                centred_cosine_min=agreement.centred_cosine_min,
                changed=agreement.changed,
            )
        )
    return found
