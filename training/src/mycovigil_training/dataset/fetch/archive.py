"""Take an archive apart into a folder that appears only once it is whole."""

import shutil
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mycovigil_training.dataset.fetch import disk
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.sample import rank, sampled, species_of
from mycovigil_training.progress import tracked

DAMAGES = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError)
KINDS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def is_archive(name: str) -> bool:
    return name.lower().endswith(KINDS)


def unpack(stream: IO[bytes], name: str, target: Path, most: int) -> Path:
    """Unpack an archive into ``target``, which is made anew.

    Args:
        stream: the archive; a zip file must be seekable.
        most: photos of each species, 0 for all files.

    Raises:
        FetchFailed: it is damaged, or the disk has no room for it.
    """
    try:
        with _whole(target) as partial:
            if name.lower().endswith(".zip"):
                _unzip(stream, name, partial, most)
            else:
                _untar(stream, partial, most)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise FetchFailed(f"{name} is damaged ({error}): delete it and fetch it again") from error
    return target


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of ``target`` at the end."""
    partial = target.with_name(f"{target.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _unzip(stream: IO[bytes], name: str, target: Path, most: int) -> None:
    with zipfile.ZipFile(stream) as file:
        names = [one.filename for one in file.infolist() if not one.is_dir()]
        wanted = sampled(names, most)
        if not wanted:
            raise FetchFailed(f"{name} holds no photos as Classes/<class>/<species>/*")
        disk.require(
            target, sum(file.getinfo(one).file_size for one in wanted), f"unpacking {name}"
        )
        for one in tracked(wanted, "unpacking"):
            file.extract(one, target)


def _untar(stream: IO[bytes], target: Path, most: int) -> None:
    """In the archive's order; of each species those of the least ranks stay."""
    kept: dict[tuple[str, str], list[str]] = defaultdict(list)
    with tarfile.open(fileobj=stream, mode="r|*") as file:
        for member in tracked(file, "unpacking"):
            if not member.isfile():
                continue
            species = species_of(member.name)
            if most and (species is None or not _wanted(kept[species], member.name, most, target)):
                continue
            disk.require(target, member.size, f"unpacking {member.name}")
            extract_file(file, member, target)


def extract_file(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write the content of a file of a tar archive, and nothing else of it, below ``target``.

    Python's own filter `data` came with 3.11.4; Debian 12 has 3.11.2.

    Raises:
        tarfile.TarError: its name leads out of ``target``.
    """
    path = (target / member.name).resolve()
    content = archive.extractfile(member)
    if content is None or not path.is_relative_to(target.resolve()):
        raise tarfile.TarError(f"{member.name} would be written elsewhere")
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, path.open("wb") as file:
        shutil.copyfileobj(content, file)


def _wanted(kept: list[str], name: str, most: int, target: Path) -> bool:
    """Whether a photo is among the least; the one it takes the place of is deleted."""
    if len(kept) == most:
        last = max(kept, key=rank)
        if rank(name) > rank(last):
            return False
        kept.remove(last)
        (target / last).unlink()
    kept.append(name)
    return True
