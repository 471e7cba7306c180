"""Objects by key: a local folder or Google Cloud Storage, through fsspec."""

import hashlib
from typing import cast

import fsspec

from mycovigil.settings import StorageSettings


class MissingObject(LookupError):
    """No object has this key (it may have been deleted by retention)."""


class Storage:
    """Keys are relative paths below the root that the settings name."""

    def __init__(self, settings: StorageSettings) -> None:
        self._files, root = fsspec.core.url_to_fs(settings.url)
        self._root = str(root).rstrip("/")

    def write(self, key: str, data: bytes) -> str:
        """Store ``data`` under ``key``, whole or not at all; returns the key."""
        path = self._path(key)
        self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        partial = f"{path}.{hashlib.sha256(data).hexdigest()[:8]}.part"
        self._files.pipe_file(partial, data)
        self._files.mv(partial, path)
        return key

    def read(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            MissingObject: there is none.
        """
        try:
            return cast("bytes", self._files.cat_file(self._path(key)))
        except FileNotFoundError as error:
            raise MissingObject(key) from error

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def delete(self, key: str) -> None:
        if self.exists(key):
            self._files.rm_file(self._path(key))

    def keys(self, prefix: str) -> list[str]:
        """Keys below a folder, sorted."""
        start = self._path(prefix)
        found = self._files.find(start) if self._files.exists(start) else []
        return sorted(str(path)[len(self._root) + 1 :] for path in found)

    def _path(self, key: str) -> str:
        if key.startswith("/") or ".." in key.split("/"):
            raise ValueError(f"not a key: {key!r}")
        return f"{self._root}/{key}"


def photo_key(digest: str) -> str:
    """Content address of a photo: ``photos/ab/abcdef….jpg``."""
    return f"photos/{digest[:2]}/{digest}.jpg"
