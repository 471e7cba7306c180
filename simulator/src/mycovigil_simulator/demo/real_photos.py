"""Real photos from a folder: reference and traffic never share a species' day."""

import csv
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.gallery import small_picture
from mycovigil_simulator.camera import NEW_PHONE, apply, to_jpeg
from mycovigil_simulator.demo.photo_source import Shot
from mycovigil_simulator.demo.story import Night

TRAFFIC_SHARE = 0.4
# Share of the traffic photos that a night draws, so that nights differ.
NIGHT_SHARE = 0.8
# Photos of deadly species kept out of the reference, as far as there are that many.
NEWCOMERS = 24
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Found:
    """A photo of the folder; photos of one ``group`` (species and day) stay together."""

    path: Path
    species: str
    safety_class: str
    group: str


@dataclass(frozen=True)
class RealPhotos:
    """The deadly species with the most photos are kept out of the reference: the newcomers."""

    source: Path
    folder: Path
    photos: int
    seed: int

    def describe(self) -> str:
        return (
            f"{len(self._found)} real photos of {self.source}; the look-alikes to come: "
            f"{', '.join(self._newcomers)} ({len(self._novel)} photos)"
        )

    def dataset(self) -> Path:
        place = self.folder / "real"
        shutil.rmtree(place, ignore_errors=True)
        for number, photo in enumerate(self._split[0]):
            target = place / "Classes" / photo.safety_class / photo.species
            target.mkdir(parents=True, exist_ok=True)
            name = f"{number:05}{photo.path.suffix.lower()}"
            (target / name).symlink_to(photo.path.resolve())
        return place

    def traffic(self, night: Night, number: int) -> list[Shot]:
        rng = np.random.default_rng([self.seed, number])
        count = min(self.photos, round(NIGHT_SHARE * len(self._split[1])))
        novel_count = min(round(count * night.novel), len(self._novel))
        known = rng.permutation(len(self._split[1]))[: count - novel_count]
        novel = rng.permutation(len(self._novel))[:novel_count]
        chosen = [self._split[1][i] for i in known] + [self._novel[i] for i in novel]
        modern = rng.uniform(size=len(chosen)) < night.new_phone
        return [_shot(p, bool(m), rng) for p, m in zip(chosen, modern, strict=True)]

    def close(self) -> None:
        """Nothing is open."""

    @cached_property
    def _found(self) -> list[Found]:
        listed = self.source / "manifest.csv"
        found = _from_manifest(listed) if listed.exists() else _from_folders(self.source)
        if not found:
            raise FileNotFoundError(f"no photos of the four classes below {self.source}")
        return found

    @cached_property
    def _newcomers(self) -> list[str]:
        deadly = Counter(p.species for p in self._found if p.safety_class == "deadly")
        if len(deadly) < 2:
            raise ValueError(f"too few deadly species below {self.source}: the story needs two")
        chosen: list[str] = []
        photos = 0
        for species, count in deadly.most_common(len(deadly) - 1):
            if photos >= NEWCOMERS:
                break
            chosen.append(species)
            photos += count
        return chosen

    @cached_property
    def _novel(self) -> list[Found]:
        return [photo for photo in self._found if photo.species in self._newcomers]

    @cached_property
    def _split(self) -> tuple[list[Found], list[Found]]:
        """Reference and traffic, by whole groups, within each species; those with one specimen or
        two are reference alone, since calm nights must bring no species that the model hardly
        knows."""
        groups: dict[str, dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
        for photo in self._found:
            if photo.species not in self._newcomers:
                groups[f"{photo.safety_class} {photo.species}"][photo.group].append(photo)
        rng = np.random.default_rng(self.seed)
        reference: list[Found] = []
        traffic: list[Found] = []
        for members in groups.values():
            names = sorted(members)
            chosen = set(rng.permutation(len(names))[: int(TRAFFIC_SHARE * len(names))])
            for index, name in enumerate(names):
                (traffic if index in chosen else reference).extend(members[name])
        return reference, traffic


def _from_manifest(listed: Path) -> list[Found]:
    with listed.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["safety_class"] in set(CLASSES)]
    return [
        Found(
            listed.parent / row["path"],
            _slug(row["species"]),
            row["safety_class"],
            f"{row['species']} {row['captured_at'][:10] or row['path']}",
        )
        for row in rows
    ]


def _from_folders(source: Path) -> list[Found]:
    root = source / "Classes" if (source / "Classes").is_dir() else source
    return [
        Found(path, _slug(path.parent.name), path.parent.parent.name, str(path))
        for path in sorted(root.glob("*/*/*"))
        if path.suffix.lower() in SUFFIXES and path.parent.parent.name in set(CLASSES)
    ]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _shot(photo: Found, modern: bool, rng: np.random.Generator) -> Shot:
    """The file as it is, or as the new phone would have taken it."""
    data = photo.path.read_bytes()
    if modern:
        small = small_picture(data, side=512)
        data = to_jpeg(apply(NEW_PHONE, np.asarray(small), rng), NEW_PHONE)
    return Shot(data, photo.species, photo.safety_class, photo.group)
