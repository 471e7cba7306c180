"""The packaged encoder's network in several forms: time, size, and what a probe still recognises.

python benchmarks/encoder_variants.py TOWER --photos FOLDER ... --calibrate FOLDER --json FILE

TOWER is what `mycovigil encoder condense` wrote, FOLDERs are curated. Time is CPU time a photo on
one thread, medians over shuffled rounds. Recalls are of a class-balanced probe, out of fold over
specimens of all folders together, of the photos that the tower has not learned from. A form may be
served if the bound of the deadly specimens that it misses and float32 does not, over all deadly
specimens, is below the gate's margin; specimens the tower has learned from flatter both alike.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pruning import pruned
from rich.console import Console
from rich.table import Table

from mycovigil.settings import TrainingSettings
from mycovigil.vision.encoder.training_photos import PREFIX, from_text
from mycovigil_statistics.safety.paired import non_inferiority
from mycovigil_statistics.safety.proportions import interval
from mycovigil_training.configuration import compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.species import DANGER
from mycovigil_training.encoder.export import graph
from mycovigil_training.encoder.export.agreement import machine, timed
from mycovigil_training.encoder.export.parity import row_cosines
from mycovigil_training.encoder.export.runtime import Encode, RuntimeMissing, open_graph
from mycovigil_training.encoder.export.sample_photos import sample_photos, squares
from mycovigil_training.encoder.export.variant import VARIANTS, Precision
from mycovigil_training.encoder.source import Source, load_source
from mycovigil_training.evaluate.folds import grouped
from mycovigil_training.evaluate.recipes import Rows, probe
from mycovigil_training.features.extraction import LABELS
from mycovigil_training.model.evaluation import DEADLY, macro_recall
from mycovigil_training.progress import tracked

BATCH, CALIBRATED_ON = 8, 192
PRUNED = (0.25, 0.5)
FORMS = (Precision.FP32, Precision.BF16, Precision.INT8, Precision.INT8_WEIGHTS)


@dataclass(frozen=True)
class Photos:
    """`rows` with empty features; `pixels` (n, s, s, 3); `judged` (n,) were not learned from."""

    rows: Rows
    pixels: NDArray[np.uint8]
    judged: NDArray[np.bool_]


@dataclass(frozen=True)
class Form:
    name: str
    encode: Encode
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tower", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--calibrate", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = load_source(str(options.tower))
    photos = read(options.photos, source)
    with TemporaryDirectory() as home:
        calibration = sample_photos(options.calibrate, CALIBRATED_ON)
        known = list(forms(source, calibration, Path(home)))
        times = timed({form.name: form.encode for form in known}, photos.pixels)
        features = {form.name: encoded(form, photos.pixels) for form in known}
    reference = features[known[0].name]
    wrong = missed(reference, photos)
    rows = {
        form.name: {
            "cpu_ms": round(times[form.name][0], 2),
            "cpu_ms_alone": round(times[form.name][1], 2),
            "megabytes": round(form.megabytes, 2),
            "cosine": round(float(centred(features[form.name], reference).mean()), 5),
            **figures(features[form.name], photos, wrong),
        }
        for form in known
    }
    show(rows, photos)
    if options.json:
        about = {
            "machine": machine(),
            "photos": len(photos.rows),
            "judged": int(photos.judged.sum()),
            "seed": compose().seed,
            "forms": rows,
        }
        options.json.write_text(json.dumps(about, indent=1) + "\n")


def read(folders: Sequence[Path], source: Source) -> Photos:
    """The photos of the four classes, decoded as the predictor decodes them."""
    listed = [(folder, one) for folder in folders for one in curated.read(folder)]
    listed = [(folder, one) for folder, one in listed if one.safety_class in DANGER]
    photos = [one for _, one in listed]
    files = ((folder / one.path).read_bytes() for folder, one in tracked(listed, "decoding"))
    known = from_text(source.trained_on)
    empty = np.empty((len(photos), 0), np.float32)
    rows = Rows(empty, empty, *columns(photos))
    judged = np.array([photo.sha256[:PREFIX] not in known for photo in photos])
    return Photos(rows, squares(files, source.image_size, source.resize), judged)


def columns(photos: Sequence[CuratedPhoto]) -> tuple[Any, ...]:
    return (
        np.array([LABELS[photo.safety_class] for photo in photos], np.int64),
        np.array([photo.species for photo in photos]),
        np.array([photo.group for photo in photos]),
    )


def forms(source: Source, calibration: list[bytes], home: Path) -> Iterator[Form]:
    """float32 first. What cannot run on this machine is left out, and said."""
    narrow = {f"pruned {share:.0%}": cut(source, calibration, share) for share in PRUNED}
    for name, one in {"": source, **narrow}.items():
        for precision in FORMS if not name else (Precision.FP32, Precision.BF16):
            path, variant = home / f"{name}{precision}.onnx", VARIANTS[precision]
            graph.write_graph(one, path)
            variant.lower(path, one, calibration)
            try:
                encode = open_graph(path, variant.runtime, variant.options)
            except RuntimeMissing as error:
                Console(stderr=True).print(f"{precision}: {error}")
                continue
            title = f"{name + ', ' if name else ''}{precision} ({variant.runtime})"
            yield Form(title, encode, path.stat().st_size / 1e6)
    weights = sum(value.nbytes for value in source.tower.state_dict().values()) / 1e6
    yield Form("fp32 (torch)", torch_encoder(source, compiled=False), weights)
    yield Form("fp32 (torch.compile)", torch_encoder(source, compiled=True), weights)


def cut(source: Source, calibration: list[bytes], share: float) -> Source:
    pixels = squares(calibration, source.image_size, source.resize).astype(np.float32) / 255
    normal = (pixels - np.array(source.mean)) / np.array(source.std)
    chosen = np.ascontiguousarray(normal.transpose(0, 3, 1, 2), np.float32)
    return replace(source, tower=pruned(source.tower, chosen, share))


def torch_encoder(source: Source, *, compiled: bool) -> Encode:
    """The tower in torch; compiled ahead for batches of 8 and of 1, its batch norms folded in."""
    network: Callable[[torch.Tensor], torch.Tensor] = graph.PixelGraph(source).eval()
    if compiled:
        network = torch.compile(network, dynamic=False, options={"freezing": True})

    def encode(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(pixels)).numpy(), np.float32)

    return encode


def encoded(form: Form, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features of all photos; the last batch is filled up, since compiled graphs have one size."""
    short = -len(pixels) % BATCH
    filled = np.concatenate([pixels, pixels[:short]])
    starts = tracked(range(0, len(filled), BATCH), form.name)
    rows = np.concatenate([form.encode(filled[start : start + BATCH]) for start in starts])
    return rows[: len(pixels)]


def centred(features: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    mean = reference.mean(axis=0)
    return row_cosines(reference - mean, features - mean)


def answers(features: NDArray[np.float32], photos: Photos) -> NDArray[np.int64]:
    """(n,) classes, each by a probe that saw no photo of its specimen."""
    rows = replace(photos.rows, features=features)
    found = np.full(len(rows), -1, np.int64)
    folds = grouped(rows.labels, rows.groups, seed=compose().seed, what="specimens")
    for learned, judged in folds:
        found[judged] = probe(rows.take(learned), rows.take(judged)).argmax(axis=1)
    return found


def missed(features: NDArray[np.float32], photos: Photos) -> NDArray[np.bool_]:
    return np.asarray(answers(features, photos) != photos.rows.labels)


def figures(
    features: NDArray[np.float32], photos: Photos, reference: NDArray[np.bool_]
) -> dict[str, Any]:
    """Recalls on photos that were not learned from, and the paired comparison with float32."""
    found, labels = answers(features, photos), photos.rows.labels
    deadly = labels == DEADLY
    rows = photos.judged & deadly
    settings = TrainingSettings()
    paired = non_inferiority(
        (found != labels)[deadly],
        reference[deadly],
        margin=settings.miss_margin,
        alpha=settings.gate_alpha,
        groups=photos.rows.groups[deadly],
    )
    return {
        "macro_recall": round(macro_recall(found[photos.judged], labels[photos.judged]), 3),
        "deadly": asdict(interval(int((found == labels)[rows].sum()), int(rows.sum()))),
        "deadly_specimens": paired.units,
        "lost": paired.candidate_only,
        "won": paired.production_only,
        "upper": round(paired.upper, 4),
        "outcome": paired.outcome.value,
    }


def show(rows: dict[str, dict[str, Any]], photos: Photos) -> None:
    names = ("form", "ms in 8", "alone", "MB", "cosine", "macro", "deadly", "lost, won", "bound")
    table = Table(*names, "may serve", title=f"{photos.judged.sum()} photos")
    for name, row in rows.items():
        deadly = row["deadly"]
        table.add_row(
            name,
            *(str(row[key]) for key in ("cpu_ms", "cpu_ms_alone", "megabytes", "cosine")),
            f"{row['macro_recall']:.3f}",
            f"{deadly['estimate']:.3f} [{deadly['low']:.3f}, {deadly['high']:.3f}]",
            f"{row['lost']}, {row['won']} of {row['deadly_specimens']}",
            f"{row['upper']:.1%}",
            row["outcome"],
        )
    Console().print(table)


if __name__ == "__main__":
    main()
