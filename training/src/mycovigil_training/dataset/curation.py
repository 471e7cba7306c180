"""Curation: from a folder as it was downloaded to one that may be trained on.

What is removed is reported, never silently lost; the source folder is left as it is.
"""

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mycovigil.references.clusters import Clusters
from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage
from mycovigil.vision.image.fingerprint import (
    NEAR_BITS,
    NEAR_COLOUR,
    SAME_BITS,
    SAME_COLOUR,
    Fingerprints,
)
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.fingerprint import Fingerprint, fingerprint
from mycovigil_training.dataset.layout import CLASSES_FOLDER, ListedPhoto, UnknownLayout, listed
from mycovigil_training.dataset.species import DANGER, UNKNOWN
from mycovigil_training.progress import tracked

EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}


@dataclass
class CurationReport:
    """Counts and names of all that curation saw, dropped and changed."""

    source: str
    seen: int = 0
    kept: int = 0
    photos: dict[str, int] = field(default_factory=dict)
    species: dict[str, int] = field(default_factory=dict)
    specimens: dict[str, int] = field(default_factory=dict)
    undecodable: list[str] = field(default_factory=list)
    without_class: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    # Species found under several classes, and the (most dangerous) class they were given.
    two_classes: dict[str, str] = field(default_factory=dict)
    # Files whose suffix lied about their format.
    misnamed: int = 0


Examined = tuple[ListedPhoto, Fingerprint]


def curate(folder: Path, target: Path) -> CurationReport:
    """Curate ``folder`` into ``target``, which is made anew.

    Undecodable photos and duplicates (equal bytes or equal pictures) are dropped; a species
    under two classes becomes the more dangerous one; photos of class ``unknown`` are left out,
    ``not_mushroom`` ones are kept apart from the classes, for the novelty threshold.

    Raises:
        UnknownLayout: ``folder`` is no dataset, or holds no usable photo; or ``target`` is
            something else than an earlier curation.
    """
    _make_room(target, folder)
    report = CurationReport(str(folder.resolve()))
    photos = _examined(_agreed(listed(folder), report), report)
    photos = _distinct(photos, folder, report)
    if not photos:
        raise UnknownLayout(f"{folder} holds no photo that can be used")
    kept = [
        _placed(photo, one, group, target, report)
        for (photo, one), group in zip(photos, _groups(photos), strict=True)
    ]
    _count(kept, report)
    curated.write(target, kept, asdict(report))
    return report


def _make_room(target: Path, source: Path) -> None:
    if target.resolve() == source.resolve() or target.resolve() in source.resolve().parents:
        raise UnknownLayout(f"{target} cannot be both the source and the curated folder")
    if target.exists() and any(target.iterdir()):
        if not curated.is_curated(target):
            raise UnknownLayout(f"{target} is not empty and no curated folder: choose another")
        for part in (CLASSES_FOLDER, "not_mushroom"):
            shutil.rmtree(target / part, ignore_errors=True)
        (target / curated.REPORT).unlink()
    target.mkdir(parents=True, exist_ok=True)


def _agreed(photos: list[ListedPhoto], report: CurationReport) -> list[ListedPhoto]:
    """One class a species, the most dangerous of those it was found under."""
    report.seen = len(photos)
    classes: dict[str, set[str]] = defaultdict(set)
    for photo in photos:
        if photo.species and photo.safety_class in DANGER:
            classes[photo.species].add(photo.safety_class)
    worst = {species: max(found, key=DANGER.__getitem__) for species, found in classes.items()}
    report.two_classes = {
        species: worst[species] for species, found in sorted(classes.items()) if len(found) > 1
    }
    return [
        replace(photo, safety_class=worst[photo.species])
        if photo.safety_class in DANGER and photo.species
        else photo
        for photo in photos
    ]


def _examined(photos: list[ListedPhoto], report: CurationReport) -> list[Examined]:
    usable = [photo for photo in photos if photo.safety_class != UNKNOWN]
    report.without_class = len(photos) - len(usable)
    found = []
    for photo in tracked(usable, "looking at photos"):
        try:
            found.append((photo, fingerprint(photo.path.read_bytes())))
        except (UndecodableImage, TooManyPixels, OSError) as error:
            report.undecodable.append(f"{photo.path}: {error}")
    return found


def _distinct(photos: list[Examined], folder: Path, report: CurationReport) -> list[Examined]:
    """Of equal pictures the one under the most dangerous class, then the largest."""
    prints = [one for _, one in photos]
    clusters = Clusters(len(photos))
    clusters.join(_pictures(photos).pairs(most_bits=SAME_BITS, most_colour=SAME_COLOUR))
    kept = []
    for members in clusters.members():
        best = max(
            members,
            key=lambda row: (DANGER.get(photos[row][0].safety_class, -1), prints[row].pixels),
        )
        kept.append(best)
        report.duplicates += [
            (_name(photos[row][0].path, folder), _name(photos[best][0].path, folder))
            for row in members
            if row != best
        ]
    return [photos[row] for row in sorted(kept)]


def _pictures(photos: list[Examined]) -> Fingerprints:
    return Fingerprints.of([one.picture for _, one in photos])


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _groups(photos: list[Examined]) -> list[str]:
    """A specimen's name for each photo: as given, the species' day, or nearly equal pictures."""
    clusters = Clusters(len(photos))
    first: dict[tuple[str, str], int] = {}
    for row, (photo, _) in enumerate(photos):
        known = photo.group or photo.captured_at[:10]
        if known:
            clusters.join([(first.setdefault((photo.species, known), row), row)])
    alike = _pictures(photos).pairs(most_bits=NEAR_BITS, most_colour=NEAR_COLOUR)
    clusters.join(
        pair for pair in alike if photos[pair[0]][0].species == photos[pair[1]][0].species
    )
    roots = [clusters.root(row) for row in range(len(photos))]
    return [f"{photos[root][0].species}/{photos[root][1].sha256[:12]}" for root in roots]


def _placed(
    photo: ListedPhoto, one: Fingerprint, group: str, target: Path, report: CurationReport
) -> CuratedPhoto:
    """The photo linked (or copied) to its place below ``target``."""
    suffix = EXTENSIONS.get(one.format, one.format.lower())
    report.misnamed += photo.path.suffix.lower().replace("jpeg", "jpg") != f".{suffix}"
    safe = photo.safety_class in DANGER
    home = Path(CLASSES_FOLDER, photo.safety_class) if safe else Path(photo.safety_class)
    species = (photo.species or "unnamed").replace(" ", "_").replace("/", "_")
    path = home / species / f"{one.sha256[:16]}.{suffix}"
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(photo.path, target / path)
    except OSError:
        shutil.copyfile(photo.path, target / path)
    return CuratedPhoto(
        path=str(path),
        species=photo.species,
        safety_class=photo.safety_class,
        captured_at=photo.captured_at,
        group=group,
        sha256=one.sha256,
    )


def _count(kept: Iterable[CuratedPhoto], report: CurationReport) -> None:
    photos = list(kept)
    report.kept = len(photos)
    report.photos = dict(Counter(photo.safety_class for photo in photos))
    for name, attribute in (("species", "species"), ("specimens", "group")):
        distinct = {(photo.safety_class, getattr(photo, attribute)) for photo in photos}
        setattr(report, name, dict(Counter(safety_class for safety_class, _ in distinct)))
