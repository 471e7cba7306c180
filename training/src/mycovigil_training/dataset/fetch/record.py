"""A record of what was fetched: small, equal for equal photos, and what DVC depends on."""

import hashlib
import json
from pathlib import Path

from mycovigil_training.dataset.fetch.failure import FetchFailed


def write_record(path: Path, source: str, folder: Path) -> None:
    """Write source, folder, and one hash of the names and sizes of all files.

    Raises:
        OSError: it cannot be written.
    """
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    lines = [f"{one.relative_to(folder).as_posix()} {one.stat().st_size}" for one in files]
    record = {
        "source": source,
        "folder": str(folder.resolve()),
        "files": len(files),
        "bytes": sum(one.stat().st_size for one in files),
        "listing_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def fetched_folder(path: Path) -> Path:
    """The folder itself, or the one that a record names.

    Raises:
        FetchFailed: a file that is no record, or one whose folder is gone.
    """
    if not path.is_file():
        return path
    try:
        folder = Path(json.loads(path.read_text(encoding="utf-8"))["folder"])
    except (ValueError, KeyError, TypeError) as error:
        raise FetchFailed(f"{path} is no folder and no record of 'dataset fetch'") from error
    if not folder.is_dir():
        raise FetchFailed(f"{folder}, which {path} names, is gone: fetch it again")
    return folder
