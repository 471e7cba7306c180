"""Which photos show one mushroom, or one burst: they stay on one side of every split."""

from collections.abc import Sequence

from mycovigil.references.clusters import Clusters
from mycovigil.vision.image.fingerprint import NEAR_BITS, NEAR_COLOUR
from mycovigil_training.dataset.pictures.duplicates import equal, pictures
from mycovigil_training.dataset.pictures.examination import Examined


def specimens(photos: Sequence[Examined]) -> list[str]:
    """A specimen's name for each photo: photos of one species belong together if the manifest
    says so, if one camera took them on one day, or if their pictures are nearly equal."""
    clusters = Clusters(len(photos))
    known = [_known(photo) for photo in photos]
    rows = [row for row, key in enumerate(known) if key]
    clusters.join((rows[i], rows[j]) for i, j in equal([known[row] for row in rows]))
    alike = pictures(photos).pairs(most_bits=NEAR_BITS, most_colour=NEAR_COLOUR)
    clusters.join(pair for pair in alike if _species(photos, pair[0]) == _species(photos, pair[1]))
    roots = [clusters.root(row) for row in range(len(photos))]
    return [f"{_species(photos, root)}/{photos[root].seen.sha256[:12]}" for root in roots]


def _known(photo: Examined) -> tuple[str, ...] | None:
    if photo.photo.group:
        return photo.photo.species, photo.photo.group
    day = photo.captured_at[:10]
    return (photo.photo.species, day, photo.seen.camera) if day else None


def _species(photos: Sequence[Examined], row: int) -> str:
    return photos[row].photo.species
