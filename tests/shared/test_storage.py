"""Objects in a local folder."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from mycovigil import bounded_storage
from mycovigil.bounded_storage import BoundedStorage
from mycovigil.settings import StorageSettings
from mycovigil.storage import MissingObject, Storage, StorageUnavailable

WRITERS = 8


def test_one_object_written_many_times_at_once_is_whole(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, move = threading.Barrier(WRITERS, timeout=60), LocalFileSystem.mv

    def all_written(*args: object, **named: object) -> None:
        ready.wait()
        move(*args, **named)

    monkeypatch.setattr(LocalFileSystem, "mv", all_written)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda _: storage.write("photos/ab/abc.jpg", b"photo"), range(WRITERS)))
    assert storage.read("photos/ab/abc.jpg") == b"photo"
    assert storage.keys("photos") == ["photos/ab/abc.jpg"]


def test_what_fails_half_way_leaves_nothing(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_files: LocalFileSystem, path: str, data: bytes) -> None:
        Path(path).write_bytes(data[:2])
        raise OSError("no space left on device")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", full)
    with pytest.raises(OSError, match="no space"):
        storage.write("photos/ab/abc.jpg", b"photo")
    assert storage.keys("photos") == []


@pytest.mark.parametrize("kind", [PermissionError, TimeoutError, RuntimeError, KeyError])
def test_whatever_fails_is_one_error(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def away(*_: object, **__: object) -> None:
        raise kind("away")

    for name in ("pipe_file", "cat_file", "exists", "find", "ls"):
        monkeypatch.setattr(LocalFileSystem, name, away)
    calls: tuple[Callable[[], object], ...] = (
        lambda: storage.write("a", b""),
        lambda: storage.read("a"),
        lambda: storage.exists("a"),
        lambda: storage.delete("a"),
        lambda: storage.keys("a"),
        lambda: storage.folders("a"),
        lambda: list(storage.ages("a")),
    )
    for call in calls:
        with pytest.raises(StorageUnavailable, match="away"):
            call()


def test_a_private_object_is_for_its_owner(storage: Storage, tmp_path: Path) -> None:
    storage.write("photos/ab/abc.jpg", b"photo", private=True)
    path = tmp_path / "storage" / "photos" / "ab" / "abc.jpg"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_another_process_is_writing_is_no_object_yet(storage: Storage, tmp_path: Path) -> None:
    storage.write("reports/1/page.html", b"page")
    (tmp_path / "storage" / "reports" / "1" / "page.html.ab12.part").write_bytes(b"pa")
    assert storage.keys("reports") == ["reports/1/page.html"]
    assert len(list(storage.ages("reports"))) == 2  # one that was left so is swept by its age


def test_after_a_pause_the_storage_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment, paused = [0.0], list[bool]()
    storage = BoundedStorage(
        StorageSettings(url=str(tmp_path)),
        seconds=60,
        paused=paused.append,
        clock=lambda: moment[0],
    )
    storage.write("a", b"file")
    for _ in range(bounded_storage.FAILURES):
        with pytest.raises(MissingObject):
            storage.read("b")
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "exists", lambda *_: 1 / 0)
        for _ in range(bounded_storage.FAILURES):
            with pytest.raises(StorageUnavailable, match="ZeroDivisionError"):
                storage.keys("a")
    assert paused[-1] is True
    with pytest.raises(StorageUnavailable, match="left alone"):
        storage.read("a")
    moment[0] += bounded_storage.PAUSE_SECONDS
    assert storage.read("a") == b"file"
    assert paused.pop() is False
    storage.close()
