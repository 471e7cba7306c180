"""Fetch a data set from wherever it is named."""

import re
from io import BufferedReader
from pathlib import Path
from urllib.parse import unquote, urlsplit

import fsspec

from mycovigil_training.dataset.fetch import archive, bucket, kaggle
from mycovigil_training.dataset.fetch.download import download
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.remote import RemoteFile, remote_file

HANDLE = re.compile(r"^[\w-]+/[\w.-]+$")
BUFFER = 1 << 18


def fetch(source: str, downloads: Path, *, sample: int = 0, sha256: str = "") -> Path:
    """A folder that holds the data set (or a sample of it), whole.

    Args:
        source: a Kaggle data set (``owner/name``), an http(s) address of an archive, ``gs://`` of
            an archive or a folder, or a local folder or archive.
        downloads: where archives and folders are kept; a second call finds them there.
        sample: photos of each species that are kept; 0 keeps all. Of a zip file whose server
            gives parts only these are read.
        sha256: of an archive.

    Raises:
        FetchFailed: it could not be fetched whole; the message says what to do.
    """
    local, home = Path(source), downloads / _name(source, sample)
    if local.is_dir() or home.is_dir():
        return local if local.is_dir() else home
    if local.is_file():
        with local.open("rb") as stream:
            return archive.unpack(stream, local.name, home, sample)
    if source.startswith(("http://", "https://")):
        return _over_http(source, home, sample, sha256)
    fetched = _from_bucket if source.startswith("gs://") else _from_kaggle
    return fetched(source, home, sample)


def _from_kaggle(handle: str, home: Path, sample: int) -> Path:
    if not HANDLE.match(handle):
        raise FetchFailed(
            f"{handle} is no folder or archive here, no http(s):// or gs:// address, and no Kaggle "
            "data set (OWNER/NAME)"
        )
    if not sample:
        return kaggle.download(handle)
    return _over_http(kaggle.address(handle), home, sample, "", kind=".zip")


def _over_http(address: str, home: Path, sample: int, sha256: str, kind: str = "") -> Path:
    name = Path(unquote(urlsplit(address).path)).name
    name = name if archive.is_archive(name) else f"{name}{kind}"
    if not archive.is_archive(name):
        raise FetchFailed(f"{address} is no archive ({', '.join(archive.KINDS)})")
    with remote_file(address) as remote:
        if sample and not sha256:
            return _streamed(remote, name, home, sample)
        path = download(remote, home.with_name(f"{home.name}-{name}"), sha256)
    with path.open("rb") as stream:
        archive.unpack(stream, name, home, sample)
    path.unlink()
    return home


def _streamed(remote: RemoteFile, name: str, home: Path, sample: int) -> Path:
    """Only what is kept is stored; of a zip file only that is read."""
    if name.lower().endswith(".zip") and not remote.described.in_parts:
        raise FetchFailed(
            f"{remote.described.address} gives no parts of a file, so that no sample of a zip can "
            "be read: fetch it without --sample"
        )
    with BufferedReader(remote, BUFFER) as stream:
        return archive.unpack(stream, name, home, sample)


def _from_bucket(address: str, home: Path, sample: int) -> Path:
    if not archive.is_archive(address):
        return bucket.copy_folder(address, home, sample)
    with fsspec.open(address, "rb") as stream:
        return archive.unpack(stream, address.rsplit("/", 1)[1], home, sample)


def _name(source: str, sample: int) -> str:
    """A folder's name for a source: the same for the same order."""
    plain = re.sub(r"[^\w.-]+", "-", source.split("?", 1)[0]).strip("-")
    return f"{plain[-100:]}{f'-sample-{sample}' if sample else ''}"
