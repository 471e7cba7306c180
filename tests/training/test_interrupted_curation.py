"""Curation that is killed, that finds the disk full, and that is run again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.photo import encoded, make_photo, make_picture
from typer.testing import CliRunner

from mycovigil_training.commands.dataset import app
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import CurationOptions, curate

PHOTOS = 36


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    for seed in range(PHOTOS):
        place = folder / "Classes" / ("edible", "deadly")[seed % 2] / f"Species_{seed % 5}"
        place.mkdir(parents=True, exist_ok=True)
        data = encoded(make_picture(840, 420, seed=seed), "JPEG") if seed % 3 else b"broken"
        (place / f"{seed}.jpg").write_bytes(data)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the journal's, whose order of lines is that of the runs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != ".curation"
    }


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted run leaves."""
    target = tmp_path_factory.mktemp("whole") / "curated"
    curate(source, target)
    return files(target)


KILLED = """
import os, signal, sys
from pathlib import Path
from mycovigil_training.dataset import curation, storing
from mycovigil_training.dataset.pictures import journal

def deadly(real, calls):
    left = [calls]
    def call(*args, **keywords):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **keywords)
    return call

journal.Journal.add = deadly(journal.Journal.add, int(sys.argv[3]))
storing._scaled = deadly(storing._scaled, int(sys.argv[4]))
curation.write_dropped = deadly(curation.write_dropped, int(sys.argv[5]))
curation.curate(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.whole
def test_a_killed_run_goes_on_to_the_same_bytes(
    source: Path, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    """Killed while it looks, while it stores, and before the manifest is written."""
    target = tmp_path / "curated"
    for moments in (("17", "0", "0"), ("14", "9", "0"), ("0", "0", "1")):
        command = [sys.executable, "-c", KILLED, str(source), str(target), *moments]
        assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGKILL
        assert not curated.is_curated(target)
    curate(source, target)
    assert files(target) == whole


def test_a_line_that_was_cut_off_is_made_anew(
    source: Path, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    target = tmp_path / "curated"
    curate(source, target)
    (lines,) = (target / ".curation").glob("seen-*.jsonl")
    lines.write_bytes(lines.read_bytes()[:-40] + b"\xff\n{}\n")
    curate(source, target)
    assert files(target) == whole


def test_a_run_with_other_options_trusts_no_stored_photo(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "curated"
    curate(source, target)
    (target / curated.REPORT).unlink()
    report = curate(source, target, CurationOptions(longer_side=400))
    assert report.bytes_kept < report.bytes_seen
    assert curated.changed(target) == []


def test_editing_a_curated_photo_never_edits_the_original(tmp_path: Path) -> None:
    original = tmp_path / "source/Classes/edible/A_b/1.jpg"
    original.parent.mkdir(parents=True)
    original.write_bytes(make_photo(seed=1))
    before = original.read_bytes()
    target = tmp_path / "curated"
    curate(tmp_path / "source", target)
    (photo,) = curated.read(target)
    (target / photo.path).write_bytes(b"edited")
    assert original.read_bytes() == before
    assert curated.changed(target) == [photo.path]
    curate(tmp_path / "source", target)
    assert curated.changed(target) == []


def test_the_hash_names_photos_and_labels(source: Path, tmp_path: Path) -> None:
    first = curate(source, tmp_path / "first")
    photos = curated.read(tmp_path / "first")
    assert curated.content_hash(reversed(photos)) == first.content_hash
    assert curated.content_hash(photos[1:]) != first.content_hash
    small = curate(source, tmp_path / "small", CurationOptions(longer_side=400))
    assert small.content_hash != first.content_hash


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB, where this process may mount one."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence(source: Path, full_disk: Path) -> None:
    target = full_disk / "curated"
    result = CliRunner().invoke(app, ["curate", str(source), "--to", str(target), "--no-features"])
    assert result.exit_code == 1
    assert "No space left on device: make room, and run the command again" in result.output
    assert "Traceback" not in result.output
    assert not curated.is_curated(target)
