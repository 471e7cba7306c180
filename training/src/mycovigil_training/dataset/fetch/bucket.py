"""Copy a folder of a bucket: file by file, checked by size and MD5, gone on with."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import fsspec

from mycovigil_training.dataset.fetch import disk
from mycovigil_training.dataset.fetch.failure import FetchFailed
from mycovigil_training.dataset.fetch.remote import base64_of
from mycovigil_training.dataset.fetch.sample import sampled
from mycovigil_training.progress import tracked


def copy_folder(address: str, target: Path, most: int) -> Path:
    """Copy ``gs://bucket/folder`` into ``target``, which appears once it is whole; a copy that was
    cut goes on.

    Raises:
        FetchFailed: no such folder, no right to read it, or a file arrived damaged twice.
    """
    partial = target.with_name(f"{target.name}.part")
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it logs tracebacks of what is raised
    try:
        files, root = fsspec.core.url_to_fs(address)
        found: dict[str, dict[str, Any]] = files.find(root, detail=True)
        inside = {path.removeprefix(root).lstrip("/"): one for path, one in found.items()}
        wanted = sampled(sorted(inside), most)
        if not wanted:
            raise FetchFailed(f"{address} holds no photos")
        missing = [name for name in wanted if not _is_there(partial / name, inside[name])]
        needed = sum(inside[name]["size"] for name in missing)
        disk.require(target, needed, f"the copy of {address}")
        for name in tracked(missing, "copying"):
            _copy(files, inside[name], partial / name)
    except FetchFailed:
        raise
    except Exception as error:  # client libraries of stores share no class of errors
        raise FetchFailed(
            f"{address} could not be copied ({error}): does your account have "
            "storage.objects.list and storage.objects.get (roles/storage.objectViewer)? Log in "
            "with 'gcloud auth application-default login'"
        ) from error
    return partial.rename(target)


def _copy(files: Any, one: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        data = files.cat_file(one["name"])
        if _is_whole(data, one):
            partial = path.with_name(f"{path.name}.part")
            partial.write_bytes(data)
            partial.replace(path)
            return
    raise FetchFailed(f"{one['name']} arrived damaged twice: is it being written?")


def _is_there(path: Path, one: dict[str, Any]) -> bool:
    return path.is_file() and path.stat().st_size == one["size"]


def _is_whole(data: bytes, one: dict[str, Any]) -> bool:
    md5 = base64_of(hashlib.md5(data, usedforsecurity=False).digest())
    return len(data) == int(one["size"]) and str(one.get("md5Hash", md5)) == md5
