"""Where the time of training goes: extraction by stage, loading by workers, steps by operator.

python benchmarks/training_speed.py CURATED --tower TOWER --json FILE

CPU time decides, since other processes may share the machine; photos a second depend on them.
`py-spy record --format raw -o FILE -- python benchmarks/training_speed.py …` counts whole stacks.
"""

import argparse
import gc
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from mycovigil.vision.image.covariates import measure
from mycovigil_training import torchvision_shim
from mycovigil_training.augmentation import Augmentation
from mycovigil_training.configuration import compose as training_config
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.pictures.fingerprint import MAX_PIXELS
from mycovigil_training.features.cache import FeatureCache
from mycovigil_training.features.engine import Engine
from mycovigil_training.finetune.config import compose
from mycovigil_training.finetune.recipe import finetune

PHOTOS, STEPS, BATCH = 256, 6, 32
WORKERS = range(5)
OPERATORS = 8
# What torch's profiler names by itself.
DATA, BACKWARD = "enumerate(DataLoader)", "autograd::engine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tower", required=True)
    parser.add_argument("--encoder", default="lite/int8-weights")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "extraction_cpu_ms": extraction(options.folder, Engine(options.encoder)),
        "loading": loading(options.folder, options.tower),
        "step": step(options.folder, options.tower),
    }
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def extraction(folder: Path, engine: Engine) -> dict[str, float]:
    """CPU ms a photo of each stage, and of an augmented view."""
    photos = curated.read(folder)[:PHOTOS]
    spent: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        spent[name] = round(1_000 * (time.process_time() - start) / len(photos), 3)

    with stage("read"):
        files = [(folder / photo.path).read_bytes() for photo in photos]
    with stage("decode"):
        images = [engine.decoded(data, max_pixels=MAX_PIXELS) for data in files]
    with stage("covariates"):
        covariates = np.array([measure(image).vector() for image in images])
    pixels = np.stack([image.pixels for image in images])
    with stage("encode"):
        rows = [engine.encode(pixels[start : start + 64]) for start in range(0, len(pixels), 64)]
    features = np.concatenate(rows)
    with TemporaryDirectory() as home, stage("cache"):
        cache = FeatureCache(Path(home) / "rows", features.shape[1])
        cache.put([photo.sha256 for photo in photos], features, covariates)
    camera = Augmentation(training_config().augmentation, engine.identity.image_size)
    large = [
        engine.decoded(data, max_pixels=MAX_PIXELS, size=camera.source_size).pixels
        for data in files
    ]
    with stage("augmented view"):
        for place, whole in enumerate(large):
            camera.view(whole, photos[place].sha256, place)
    return spent


def loading(folder: Path, tower: str) -> dict[str, dict[str, float]]:
    """Photos a second and CPU ms a photo of the training loader, by number of workers."""
    torchvision_shim.make_importable()
    from mycovigil_training.finetune.loaders import Parts, PhotoLoaders
    from mycovigil_training.finetune.photos import Pixels
    from mycovigil_training.finetune.towers import load_tower

    facts = load_tower(tower)[0].facts
    found = {}
    for workers in WORKERS:
        config = compose([f"workers={workers}", f"batch={BATCH}"])
        parts = Parts.of(folder, config)
        loaders = PhotoLoaders(parts, Pixels(facts.image_size, facts.resize), config)
        seconds, cpu, photos = timed(loaders.train_dataloader)
        found[str(workers)] = {
            "photos_a_second": round(photos / seconds, 1),
            "cpu_ms": round(1_000 * cpu / photos, 2),
        }
    return found


def timed(loader: Callable[[], Any]) -> tuple[float, float, int]:
    """Seconds, CPU seconds of this process and its workers, and photos of an epoch; the start of
    the workers counts."""
    start, before = time.perf_counter(), sum(os.times()[:4])
    made = loader()
    photos = sum(len(pixels) for pixels, _ in made)
    seconds = time.perf_counter() - start
    del made  # workers' time counts when they have ended
    gc.collect()
    return seconds, sum(os.times()[:4]) - before, photos


def step(folder: Path, tower: str) -> dict[str, Any]:
    """Shares of the CPU time of some steps, and the operators that take most."""
    from torch.profiler import ProfilerActivity, profile

    asked = [f"tower={tower}", f"batch={BATCH}", "epochs=1", "probe_epochs=0", "validation=0.02"]
    with TemporaryDirectory() as home, profile(activities=[ProfilerActivity.CPU]) as profiler:
        finetune(folder, Path(home), compose([*asked, f"most_steps={STEPS}"]))
    events = list(profiler.key_averages())
    whole = sum(one.self_cpu_time_total for one in events)

    def share(prefix: str) -> float:
        own = (one.cpu_time_total for one in events if one.key.startswith(prefix))
        return round(float(sum(own) / whole), 3)

    slowest = sorted(events, key=lambda one: -one.self_cpu_time_total)[:OPERATORS]
    return {
        "cpu_ms_a_photo": round(whole / 1_000 / (STEPS * BATCH), 1),
        "loading": share(DATA),
        "backward": share(BACKWARD),
        "operators": {one.key: round(one.self_cpu_time_total / whole, 3) for one in slowest},
    }


def show(found: dict[str, Any]) -> None:
    console = Console()
    for title, rows in (
        ("extraction, CPU ms a photo", found["extraction_cpu_ms"]),
        ("a step's CPU time", {k: v for k, v in found["step"].items() if k != "operators"}),
        ("operators, share of a step", found["step"]["operators"]),
    ):
        table = Table(title, "")
        for name, value in rows.items():
            table.add_row(name, str(value))
        console.print(table)
    table = Table("workers", "photos a second", "CPU ms a photo")
    for workers, row in found["loading"].items():
        table.add_row(workers, str(row["photos_a_second"]), str(row["cpu_ms"]))
    console.print(table)


if __name__ == "__main__":
    main()
