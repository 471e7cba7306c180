"""Objects by key: a local folder or Google Cloud Storage, through fsspec."""

import datetime
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mycovigil.settings import StorageSettings

# How the name ends of what is not written to its end.
PARTIAL = ".part"


class MissingObject(LookupError):
    """No object has this key (it may have been deleted by retention)."""


class StorageUnavailable(OSError):
    """The storage failed. Errors of client libraries (HTTP, authentication) share no class."""


class Storage:
    """Keys are relative paths below the root that the settings name."""

    def __init__(self, settings: StorageSettings) -> None:
        # Without a cache of listings, in which another process' objects would be missing for ever.
        self._files, root = fsspec.core.url_to_fs(settings.url, use_listings_cache=False)
        self._root = str(root).rstrip("/")

    def write(self, key: str, data: bytes, *, private: bool = False) -> str:
        """Store ``data`` under ``key``, whole or not at all; returns the key.

        Args:
            private: in a local folder, for the owner's eyes only.
        """
        path = self._path(key)
        folder = path.rsplit("/", 1)[0]
        partial = f"{path}.{uuid.uuid4().hex}{PARTIAL}"  # the same photo may arrive twice at once
        with _client_errors():
            self._files.makedirs(folder, exist_ok=True)
            self._write(path, partial, data, private=private)
        return key

    def _write(self, path: str, partial: str, data: bytes, *, private: bool) -> None:
        if not isinstance(self._files, LocalFileSystem):
            self._files.pipe_file(path, data)  # a bucket shows an object once it is whole
            return
        if private:
            os.chmod(path.rsplit("/", 1)[0], 0o700)  # noqa: PTH101 - fsspec's paths are strings
        try:
            self._files.pipe_file(partial, data)
            if private:
                os.chmod(partial, 0o600)  # noqa: PTH101
            self._files.mv(partial, path)
        except BaseException:
            with suppress(Exception):
                self._files.rm_file(partial)
            raise

    def read(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            MissingObject: there is none.
        """
        path = self._path(key)
        try:
            with _client_errors():
                return cast("bytes", self._files.cat_file(path))
        except FileNotFoundError as error:
            raise MissingObject(key) from error

    def exists(self, key: str) -> bool:
        path = self._path(key)
        with _client_errors():
            return bool(self._files.exists(path))

    def delete(self, key: str) -> None:
        if self.exists(key):
            with _client_errors():
                self._files.rm_file(self._path(key))

    def keys(self, prefix: str) -> list[str]:
        """Keys below a folder, sorted; without what is being written now."""
        start = self._path(prefix)
        with _client_errors():
            found = self._files.find(start) if self._files.exists(start) else []
        return sorted(self._key(path) for path in found if not str(path).endswith(PARTIAL))

    def folders(self, prefix: str) -> list[str]:
        """Folders right below a folder, as keys, sorted; none where there is no such folder."""
        start = self._path(prefix)
        with _client_errors():
            found = self._files.ls(start, detail=True) if self._files.exists(start) else []
        return sorted(self._key(one["name"]) for one in found if one["type"] == "directory")

    def ages(self, prefix: str) -> Iterator[tuple[str, datetime.datetime]]:
        """Keys below a folder and when each object was written; without those whose store does
        not tell."""
        start = self._path(prefix)
        with _client_errors():
            found = self._files.find(start, detail=True)
        for path, entry in found.items():
            if (written := _written_at(entry)) is not None:
                yield self._key(path), written

    def _key(self, path: object) -> str:
        return str(path).rstrip("/")[len(self._root) + 1 :]

    def _path(self, key: str) -> str:
        if key.startswith("/") or ".." in key.split("/"):
            raise ValueError(f"not a key: {key!r}")
        return f"{self._root}/{key}"


@contextmanager
def _client_errors() -> Iterator[None]:
    """Raise :class:`StorageUnavailable` for whatever is raised, but that a file is not there."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StorageUnavailable(f"{type(error).__name__}: {error}") from error


def _written_at(entry: Mapping[str, Any]) -> datetime.datetime | None:
    """Of a local file (seconds), of Google's storage (a time or its text), of memory."""
    value = next((entry[n] for n in ("mtime", "updated", "created") if entry.get(n)), None)
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, int | float):
        return datetime.datetime.fromtimestamp(value, tz=datetime.UTC)
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    return None


def photo_key(digest: str) -> str:
    """``photos/ab/abcdef….jpg``, by the sha256 of a photo as it came; what lies there is its file
    without metadata, or a small copy, and not always a JPEG."""
    return f"photos/{digest[:2]}/{digest}.jpg"
