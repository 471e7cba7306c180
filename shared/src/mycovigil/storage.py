"""Objects by key: a local folder or Google Cloud Storage, through fsspec."""

import os
import uuid
from contextlib import suppress
from typing import cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mycovigil.settings import StorageSettings


class MissingObject(LookupError):
    """No object has this key (it may have been deleted by retention)."""


class Storage:
    """Keys are relative paths below the root that the settings name."""

    def __init__(self, settings: StorageSettings) -> None:
        self._files, root = fsspec.core.url_to_fs(settings.url)
        self._root = str(root).rstrip("/")

    def write(self, key: str, data: bytes, *, private: bool = False) -> str:
        """Store ``data`` under ``key``, whole or not at all; returns the key.

        Args:
            private: in a local folder, for the owner's eyes only.
        """
        path = self._path(key)
        folder = path.rsplit("/", 1)[0]
        self._files.makedirs(folder, exist_ok=True)
        partial = f"{path}.{uuid.uuid4().hex}.part"  # the same photo may arrive twice at once
        hidden = private and isinstance(self._files, LocalFileSystem)
        if hidden:
            os.chmod(folder, 0o700)  # noqa: PTH101 - fsspec's paths are strings
        try:
            self._files.pipe_file(partial, data)
            if hidden:
                os.chmod(partial, 0o600)  # noqa: PTH101
            self._files.mv(partial, path)
        except BaseException:
            with suppress(OSError):
                self._files.rm_file(partial)
            raise
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
    """``photos/ab/abcdef….jpg``, by a sha256: of the bytes kept, or, of a small copy of a reference
    photo, that of the original."""
    return f"photos/{digest[:2]}/{digest}.jpg"
