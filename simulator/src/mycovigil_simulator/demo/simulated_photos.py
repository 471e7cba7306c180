"""Simulated photos: 32 known species to train on, fresh specimens and novel species each night."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from mycovigil_simulator import dataset
from mycovigil_simulator.camera import NEW_PHONE, REFERENCE_CAMERAS, to_jpeg
from mycovigil_simulator.demo.photo_source import Shot
from mycovigil_simulator.demo.story import Night
from mycovigil_simulator.species import NOVEL, SPECIES
from mycovigil_simulator.walk import walk

SIZE = 128
NICENESS = 10  # of rendering, so that the night being sent goes first
LOOK_ALIKES = tuple(species for species in NOVEL if species.safety_class == "deadly")


@dataclass(frozen=True)
class SimulatedPhotos:
    """``photos`` a night; ``per_species`` reference photos, or ``harmful`` where the species is
    poisonous or deadly, kept in ``folder`` between runs."""

    folder: Path
    photos: int
    per_species: int
    harmful: int
    seed: int
    workers: int = 2

    def describe(self) -> str:
        return (
            f"simulated photos of {len(SPECIES)} species; "
            f"the look-alikes to come: {', '.join(s.name for s in LOOK_ALIKES)}"
        )

    def dataset(self) -> Path:
        place = self.folder / f"simulated-{self.per_species}-{self.harmful}-{self.seed}"
        complete = place / "complete"
        if not complete.exists():
            dataset.write(
                place,
                per_species=self.per_species,
                harmful=self.harmful,
                seed=self.seed,
                size=SIZE,
                workers=self.workers,
            )
            complete.touch()
        return place

    def traffic(self, night: Night, number: int) -> list[Shot]:
        """Walks of old and of new cameras, rendered on all workers, which step back for the night
        that is being sent meanwhile."""
        new = round(self.photos * night.new_phone)
        parts = [(self.photos - new, False), (new, True)]
        jobs = [
            (count // self.workers + (part < count % self.workers), modern, night.novel, seed)
            for count, modern in parts
            for part in range(self.workers)
            if (seed := self.seed + 1_000 * number + 10 * part + modern)
        ]
        rendered = self._pool.map(_walk, *zip(*jobs, strict=True))
        return [shot for shots in rendered for shot in shots]

    def close(self) -> None:
        if "_pool" in vars(self):
            self._pool.shutdown()

    @cached_property
    def _pool(self) -> ProcessPoolExecutor:
        """For all nights: a process draws its floors and textures once, which takes seconds."""
        return ProcessPoolExecutor(
            self.workers,
            mp_context=get_context("spawn"),
            initializer=os.nice,
            initargs=(NICENESS,),
        )


def _walk(count: int, modern: bool, novel: float, seed: int) -> list[Shot]:
    """Photos of as many people, each with a camera of their own: independent, as the reference
    photos are."""
    people = np.random.default_rng([seed, 7]).integers(2**31, size=count)
    novel_count = round(novel * count)
    photos = [
        photo
        for number, person in enumerate(people)
        for photo in walk(
            1,
            seed=int(person),
            cameras=(NEW_PHONE,) if modern else REFERENCE_CAMERAS,
            novel_share=float(number < novel_count),
            novel=LOOK_ALIKES,
            size=SIZE,
        )
    ]
    return [
        Shot(
            to_jpeg(photo.pixels, photo.camera or REFERENCE_CAMERAS[0]),
            str(photo.species),
            str(photo.safety_class),
            photo.session,
        )
        for photo in photos
    ]
