"""Pack a curated folder into a few large files, which version control of data handles quickly."""

import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.dropped import DROPPED
from mycovigil_training.dataset.fetch.archive import extract_file
from mycovigil_training.progress import tracked

SHARD_BYTES = 256 * 2**20
KEPT = (curated.MANIFEST, DROPPED, curated.REPORT)


class DamagedShards(ValueError):
    """Shards that are no whole curated folder."""


def pack(folder: Path, target: Path, *, shard_bytes: int = SHARD_BYTES) -> list[Path]:
    """Write ``photos-00000.tar`` and so on, and the folder's tables; the same folder gives the
    same bytes.

    Raises:
        NotCurated: another kind of folder, or one whose photos were changed.
    """
    photos = curated.read(folder)
    if changed := curated.changed(folder):
        raise curated.NotCurated(
            f"{changed[0]} and {len(changed) - 1} more photos of {folder} are not those of its "
            "manifest: curate again"
        )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    paths = []
    for number, part in enumerate(_parts(folder, photos, shard_bytes)):
        paths.append(target / f"photos-{number:05}.tar")
        _write(folder, part, paths[-1])
    for name in KEPT:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)
    return paths


def unpack(source: Path, folder: Path) -> Path:
    """A curated folder from its shards; one that stands there whole is left alone.

    Raises:
        DamagedShards: photos are missing, or are others than the manifest's.
    """
    report = source / curated.REPORT
    if curated.is_curated(folder) and (folder / curated.REPORT).read_bytes() == report.read_bytes():
        return folder
    try:
        for path in sorted(source.glob("photos-*.tar")):
            with tarfile.open(path) as file:
                for photo in file:
                    extract_file(file, photo, folder)
        for name in KEPT:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        changed = curated.changed(folder)
    except (OSError, tarfile.TarError, curated.NotCurated) as error:
        raise DamagedShards(f"{source} cannot be unpacked: {error}") from error
    if changed:
        (folder / curated.REPORT).unlink()
        raise DamagedShards(f"{source} lacks {changed[0]} and {len(changed) - 1} more photos")
    return folder


def _parts(
    folder: Path, photos: Iterable[CuratedPhoto], most: int
) -> Iterator[Sequence[CuratedPhoto]]:
    """Photos in the manifest's order, up to ``most`` bytes a part."""
    part: list[CuratedPhoto] = []
    size = 0
    for photo in photos:
        more = (folder / photo.path).stat().st_size
        if part and size + more > most:
            yield part
            part, size = [], 0
        part.append(photo)
        size += more
    if part:
        yield part


def _write(folder: Path, photos: Sequence[CuratedPhoto], path: Path) -> None:
    """Without times and owners, which differ from run to run."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as file:
        for photo in tracked(photos, f"packing {path.name}"):
            data = (folder / photo.path).read_bytes()
            entry = tarfile.TarInfo(photo.path)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
