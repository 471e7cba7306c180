"""Look at every photo once, on all cores; what was seen is kept, so that a cut run goes on."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mycovigil import cpu
from mycovigil.vision.image.decode import TooManyPixels, UndecodableImage
from mycovigil_training.dataset.dropped import Dropped
from mycovigil_training.dataset.manifest import ListedPhoto
from mycovigil_training.dataset.pictures.fingerprint import Fingerprint, fingerprint
from mycovigil_training.dataset.pictures.journal import Journal, Seen
from mycovigil_training.progress import tracked

# Photos in memory at once, at most, are this many; each is let go of when it was looked at.
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Examined:
    """A photo that can be read; ``name`` its path below the source folder, ``look`` the place of
    its look in the journal."""

    photo: ListedPhoto
    name: str
    seen: Fingerprint
    look: int

    @property
    def captured_at(self) -> str:
        return self.photo.captured_at or self.seen.captured_at


def examine(
    photos: Sequence[ListedPhoto], folder: Path, journal: Journal
) -> tuple[list[Examined], list[Dropped]]:
    """The photos that can be read, in order, and those that cannot with the reason.

    Raises:
        OSError: the journal cannot be written.
    """
    found, dropped = [], []
    for photo, name, outcome in _outcomes(photos, folder, journal):
        if isinstance(outcome, str):
            line = f" (line {photo.line} of the manifest)" if photo.line else ""
            dropped.append(Dropped(name, "cannot be read", f"{outcome}{line}"))
        else:
            found.append(Examined(photo, name, *outcome))
    return found, dropped


def name_of(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _outcomes(
    photos: Sequence[ListedPhoto], folder: Path, journal: Journal
) -> Iterator[tuple[ListedPhoto, str, Seen]]:
    """Each photo, its name, and what was seen of it or why nothing was."""
    with ThreadPoolExecutor(cpu.available()) as threads:
        for start in tracked(range(0, len(photos), CHUNK), "looking at photos"):
            chunk = photos[start : start + CHUNK]
            names = [name_of(photo.path, folder) for photo in chunk]
            known = [
                journal.get(name, photo.path) for photo, name in zip(chunk, names, strict=True)
            ]
            unseen = [photo for photo, old in zip(chunk, known, strict=True) if not old]
            fresh = threads.map(_looked, unseen)
            for photo, name, old in zip(chunk, names, known, strict=True):
                yield photo, name, old or _kept(photo, name, next(fresh), journal)


def _looked(photo: ListedPhoto) -> Fingerprint | str | OSError:
    """What is seen of a photo, why it cannot be decoded, or why it could not be opened."""
    try:
        return fingerprint(photo.path.read_bytes())
    except (UndecodableImage, TooManyPixels) as error:
        return str(error)
    except OSError as error:
        return error


def _kept(
    photo: ListedPhoto, name: str, outcome: Fingerprint | str | OSError, journal: Journal
) -> Seen:
    """In the journal, but for a file that may open next time."""
    if isinstance(outcome, OSError):
        return outcome.strerror or str(outcome)
    return journal.add(name, photo.path, outcome)
