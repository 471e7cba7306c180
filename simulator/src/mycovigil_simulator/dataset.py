"""A folder of photos in the layout of the Kaggle set: `Classes/<class>/<species>/<n>.jpg`."""

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from mycovigil_simulator.camera import REFERENCE_CAMERAS, to_jpeg
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import SPECIES, by_name
from mycovigil_simulator.taxon import Species

logger = logging.getLogger(__name__)
HARMFUL = ("poisonous", "deadly")


def write(
    folder: Path,
    *,
    per_species: int,
    harmful: int | None = None,
    seed: int,
    size: int,
    workers: int = 1,
    species: tuple[Species, ...] = SPECIES,
) -> int:
    """Write `per_species` photos of each species, each of another specimen; returns the count.

    Photo n of a species is the same whatever `per_species` and `workers` are. Files that exist
    are written again.

    Args:
        harmful: photos of each poisonous and deadly species, where these should be more.

    Raises:
        ValueError: `per_species` or `workers` is below 1, or `size` below 16.
    """
    if per_species < 1 or workers < 1 or size < 16:
        message = (
            f"need per_species >= 1, workers >= 1, size >= 16, got {per_species}, {workers}, {size}"
        )
        raise ValueError(message)
    counts = [
        harmful or per_species if one.safety_class in HARMFUL else per_species for one in species
    ]
    jobs = [
        (Path(folder), one.name, count, seed, size)
        for one, count in zip(species, counts, strict=True)
    ]
    with _progress(sum(counts)) as advance:
        if workers == 1:
            for job in jobs:
                advance(_write_species(*job))
        else:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for written in pool.map(_write_species, *zip(*jobs, strict=True)):
                    advance(written)
    return sum(counts)


def _write_species(folder: Path, name: str, count: int, seed: int, size: int) -> int:
    """All photos of one species."""
    species = by_name(name)
    place = folder / "Classes" / species.safety_class / species.name
    place.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        camera = REFERENCE_CAMERAS[rng.integers(len(REFERENCE_CAMERAS))]
        photo = render(species, seed=int(rng.integers(2**31)), size=size, camera=camera)
        (place / f"{number:05}.jpg").write_bytes(to_jpeg(photo.pixels, camera))
    return count


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, log lines elsewhere."""
    if not sys.stderr.isatty():
        done = 0

        def report(step: int) -> None:
            nonlocal done
            done += step
            logger.info("simulated %d of %d photos", done, total)

        yield report
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Simulating photos", total=total)
        yield lambda step: bar.advance(task, step)
