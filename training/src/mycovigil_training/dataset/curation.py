"""Curation: from a folder as it was downloaded to one that may be trained on.

What is left out is listed, never silently lost; the source folder is left as it is. A run that
was cut goes on where it was, and ends with the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mycovigil.references.clusters import Clusters
from mycovigil_training.dataset import curated, target_folder
from mycovigil_training.dataset.classes.settling import settled
from mycovigil_training.dataset.classes.species_table import KINDS, SpeciesTable, read_table
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.curation_report import CurationReport
from mycovigil_training.dataset.dropped import Dropped, write_dropped
from mycovigil_training.dataset.layout import ListedPhoto, UnknownLayout, listed
from mycovigil_training.dataset.pictures.diversity import most_diverse
from mycovigil_training.dataset.pictures.duplicates import distinct, equal
from mycovigil_training.dataset.pictures.encoded import alike, encode, similarity_of_one
from mycovigil_training.dataset.pictures.examination import Examined, examine, name_of
from mycovigil_training.dataset.pictures.journal import Journal
from mycovigil_training.dataset.pictures.specimens import specimens
from mycovigil_training.dataset.species import DANGER, UNKNOWN
from mycovigil_training.dataset.storing import SUFFIXES, store, stored_path
from mycovigil_training.features.engine import Engine

MUSHROOM = KINDS[0]
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class CurationOptions:
    """``longer_side``: of stored photos, in pixels, at most; ``most_per_class``: photos, 0 for all;
    ``leave_out``: kinds of the species table; ``species``: a table whose rows replace the packaged
    ones; ``encoder``: finds mushrooms that were photographed twice, and chooses what is trimmed."""

    longer_side: int = 768
    most_per_class: int = 0
    leave_out: tuple[str, ...] = ()
    species: Path | None = None
    encoder: str = ""


DEFAULTS = CurationOptions()


def curate(folder: Path, target: Path, options: CurationOptions = DEFAULTS) -> CurationReport:
    """Curate ``folder`` into ``target``: made anew if it is whole, gone on with if it was cut.

    Undecodable photos and duplicates (equal bytes or equal pictures) are dropped; a species has
    the class of the species table, else the more dangerous of its own; photos of class ``unknown``
    are left out, ``not_mushroom`` ones are kept apart from the classes, for the novelty threshold.

    Raises:
        UnknownLayout: ``folder`` is no data set, or holds no usable photo; or ``target`` is
            something else than an earlier curation.
        BadSpeciesTable: the species table cannot be used.
        OSError: the disk is full.
    """
    table = read_table(options.species)
    listing = listed(folder)
    again = target_folder.open_for(target, folder, options)
    report = CurationReport(str(folder.resolve()), ignored=listing.ignored)
    photos, dropped = _wanted(listing.photos, folder, table, options, report)
    with Journal(target) as journal:
        found, unread = examine(photos, folder, journal)
        kept, doubled, report.merged_across = distinct(found, journal)
    if not kept:
        raise UnknownLayout(f"{folder} holds no photo that can be used")
    report.undecodable = [f"{one.path}: {one.detail}" for one in unread]
    report.duplicates = [(one.path, one.detail) for one in doubled]
    kept, groups, trimmed = _grouped(kept, options, report)
    digests = store(kept, target, options.longer_side, again=again)
    rows = [_row(*one, options) for one in zip(kept, groups, digests, strict=True)]
    _describe(report, found, rows, target, options)
    target_folder.keep_only(target, [row.path for row in rows])
    write_dropped(target, sorted([*dropped, *unread, *doubled, *trimmed], key=lambda one: one.path))
    curated.write(target, rows, asdict(report))
    return report


def _wanted(
    photos: Sequence[ListedPhoto],
    folder: Path,
    table: SpeciesTable,
    options: CurationOptions,
    report: CurationReport,
) -> tuple[list[ListedPhoto], list[Dropped]]:
    """Photos that are used, under accepted names and settled classes."""
    report.seen = len(photos)
    named, report.conflicts, report.renamed = settled(photos, table)
    report.two_classes = {one.species: one.settled for one in report.conflicts}
    wanted, dropped = [], []
    for photo in named:
        kind = table.kind(photo.species) if photo.safety_class in DANGER else MUSHROOM
        if photo.safety_class == UNKNOWN:
            report.without_class += 1
            dropped.append(Dropped(name_of(photo.path, folder), "without a safety class"))
            continue
        if kind != MUSHROOM:
            counted = report.left_out if kind in options.leave_out else report.kinds
            counted[kind] = counted.get(kind, 0) + 1
        if kind in options.leave_out:
            dropped.append(Dropped(name_of(photo.path, folder), f"a {kind}", photo.species))
        else:
            wanted.append(photo)
    return wanted, dropped


def _grouped(
    photos: list[Examined], options: CurationOptions, report: CurationReport
) -> tuple[list[Examined], list[str], list[Dropped]]:
    """Photos that are kept, the specimen of each, and those that a class has too many of."""
    groups = specimens(photos)
    if not options.encoder:
        return photos, groups, []
    engine = Engine(options.encoder)
    features = encode(photos, engine)
    report.alike_from = round(similarity_of_one(photos, features, engine), 4)
    groups = _joined(photos, groups, alike(features, report.alike_from), report)
    kept = np.ones(len(photos), np.bool_)
    classes = np.array([photo.photo.safety_class for photo in photos])
    for name in DANGER if options.most_per_class else ():
        (rows,) = np.nonzero(classes == name)
        chosen = rows[most_diverse(features[rows], options.most_per_class)] if len(rows) else rows
        if len(chosen) < len(rows):
            report.trimmed[name] = len(rows) - len(chosen)
            kept[np.setdiff1d(rows, chosen)] = False
    return (
        [photo for photo, stays in zip(photos, kept, strict=True) if stays],
        [group for group, stays in zip(groups, kept, strict=True) if stays],
        [
            Dropped(photo.name, "its class has more photos than are wanted", photo.photo.species)
            for photo, stays in zip(photos, kept, strict=True)
            if not stays
        ],
    )


def _joined(
    photos: Sequence[Examined],
    groups: list[str],
    pairs: Iterable[tuple[int, int]],
    report: CurationReport,
) -> list[str]:
    """Specimens, with those joined that the encoder takes for one; pairs of two species are
    listed instead."""
    clusters = Clusters(len(photos))
    clusters.join(equal(groups))
    for first, second in pairs:
        if photos[first].photo.species == photos[second].photo.species:
            clusters.join([(first, second)])
        elif len(report.alike_across) < MOST_LISTED:
            report.alike_across.append((photos[first].name, photos[second].name))
    return [groups[clusters.root(row)] for row in range(len(photos))]


def _row(photo: Examined, group: str, digest: str, options: CurationOptions) -> CuratedPhoto:
    return CuratedPhoto(
        path=stored_path(photo, options.longer_side),
        species=photo.photo.species,
        safety_class=photo.photo.safety_class,
        captured_at=photo.captured_at,
        group=group,
        sha256=photo.seen.sha256,
        stored_sha256=digest,
        camera=photo.seen.camera,
    )


def _describe(
    report: CurationReport,
    found: Sequence[Examined],
    rows: Sequence[CuratedPhoto],
    target: Path,
    options: CurationOptions,
) -> None:
    """What can only be counted at the end."""
    report.count(rows)
    report.content_hash = curated.content_hash(rows)
    report.longer_side = options.longer_side
    report.misnamed = sum(map(_is_misnamed, found))
    report.bytes_seen = sum(photo.photo.path.stat().st_size for photo in found)
    report.bytes_kept = sum((target / row.path).stat().st_size for row in rows)


def _is_misnamed(photo: Examined) -> bool:
    suffix = photo.photo.path.suffix.lower().replace("jpeg", "jpg").replace("jfif", "jpg")
    return suffix != f".{SUFFIXES.get(photo.seen.format, photo.seen.format.lower())}"
