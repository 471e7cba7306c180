"""Copying a data set out of a bucket, by a store in memory that fsspec brings."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from factories.photo import make_photo

from mycovigil_training.dataset.fetch.bucket import copy_folder
from mycovigil_training.dataset.fetch.failure import FetchFailed

NAMES = [f"Classes/edible/Species_{place}/{n}.jpg" for place in range(2) for n in range(3)]


@pytest.fixture
def address() -> Iterator[str]:
    store = fsspec.filesystem("memory")
    for seed, name in enumerate(NAMES):
        store.pipe_file(f"/photos/{name}", make_photo(seed=seed))
    yield "memory://photos"
    store.rm("/photos", recursive=True)


def photos(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))


def test_a_folder_is_copied_whole_or_in_part(address: str, tmp_path: Path) -> None:
    assert photos(copy_folder(address, tmp_path / "all", 0)) == NAMES
    assert len(photos(copy_folder(address, tmp_path / "some", 1))) == 2


def test_a_cut_copy_is_no_folder_yet_and_goes_on(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(fsspec.filesystem("memory"))
    real, read = store.cat_file, []

    def cut(self: object, path: str, *args: object, **more: object) -> bytes:
        read.append(path)
        if len(read) == 4:
            raise ConnectionResetError("cut")
        data: bytes = real(self, path, *args, **more)
        return data

    monkeypatch.setattr(store, "cat_file", cut)
    with pytest.raises(FetchFailed, match=r"roles/storage\.objectViewer"):
        copy_folder(address, tmp_path / "all", 0)
    assert not (tmp_path / "all").exists()
    assert photos(copy_folder(address, tmp_path / "all", 0)) == NAMES
    assert len(read) == len(NAMES) + 1


def test_a_file_that_arrives_damaged_twice_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(store, "cat_file", lambda *_: b"half")
    with pytest.raises(FetchFailed, match="arrived damaged twice"):
        copy_folder(address, tmp_path / "all", 0)
    assert not (tmp_path / "all").exists()
