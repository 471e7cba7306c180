"""Download a file to its end, gone on with after every interruption, and check what came."""

import hashlib
import json
import os
from pathlib import Path

from mycovigil_training.dataset.fetch import disk
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.remote import RemoteFile, base64_of
from mycovigil_training.progress import counted

BLOCK = 1 << 20


def download(remote: RemoteFile, path: Path, sha256: str = "") -> Path:
    """Write the file to ``path``, whole or not at all; ``path`` exists only once it is checked.

    Args:
        sha256: what the bytes must hash to, in hexadecimal; else the server's MD5, if it says one.

    Raises:
        FetchFailed: see :class:`RemoteFile`; or the bytes are others than were promised.
    """
    if path.is_file() and path.stat().st_size == remote.described.size:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    start = _begun(partial, remote)
    disk.require(path.parent, max(remote.described.size - start, 0), f"the download of {path.name}")
    with partial.open("ab") as stream, counted("downloading", remote.described.size, start) as tick:
        for part in remote.parts(start):
            stream.write(part)
            tick(len(part))
        stream.flush()
        os.fsync(stream.fileno())
    _check(partial, remote, sha256)
    partial.replace(path)
    _note(partial).unlink(missing_ok=True)
    return path


def _begun(partial: Path, remote: RemoteFile) -> int:
    """Where to go on: 0 for what is new, has changed, or cannot be asked for in parts."""
    wanted = {"size": remote.described.size, "version": remote.described.version}
    try:
        same = json.loads(_note(partial).read_text()) == wanted
    except (OSError, ValueError):
        same = False
    if not (same and remote.described.in_parts and partial.is_file()):
        partial.write_bytes(b"")
        _note(partial).write_text(json.dumps(wanted))
    return min(partial.stat().st_size, max(remote.described.size, 0))


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _check(partial: Path, remote: RemoteFile, sha256: str) -> None:
    size = partial.stat().st_size
    if remote.described.size >= 0 and size != remote.described.size:
        raise _refused(partial, f"{size} bytes came of {remote.described.size}")
    found, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with partial.open("rb") as stream:
        while block := stream.read(BLOCK):
            found.update(block)
            md5.update(block)
    if sha256 and found.hexdigest() != sha256.lower():
        raise _refused(partial, f"its SHA-256 is {found.hexdigest()}, not {sha256}")
    if not sha256 and remote.described.md5 not in ("", base64_of(md5.digest())):
        raise _refused(partial, "its MD5 is not the one that the server states")


def _refused(partial: Path, why: str) -> FetchFailed:
    """What is wrong is thrown away: going on with it would never end well."""
    partial.unlink()
    _note(partial).unlink(missing_ok=True)
    return FetchFailed(f"{partial.stem} arrived damaged ({why}): run the command again")
