"""The data set's versions: shards, and DVC's pipeline with a local remote."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.packing import DamagedShards, pack, unpack

ROOT = Path(__file__).parents[2]
DVC = ROOT / "build/tools/bin/dvc"


def test_shards_are_the_same_each_time_and_give_the_folder_back(
    curated_folder: Path, tmp_path: Path
) -> None:
    first = pack(curated_folder, tmp_path / "first", shard_bytes=100_000)
    second = pack(curated_folder, tmp_path / "second", shard_bytes=100_000)
    assert len(first) > 2
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    folder = unpack(tmp_path / "first", tmp_path / "folder")
    assert curated.read(folder) == curated.read(curated_folder)
    assert curated.changed(folder) == []


def test_damaged_shards_are_no_folder(curated_folder: Path, tmp_path: Path) -> None:
    paths = pack(curated_folder, tmp_path / "shards", shard_bytes=100_000)
    paths[1].unlink()
    with pytest.raises(DamagedShards, match="lacks"):
        unpack(tmp_path / "shards", tmp_path / "folder")
    assert not curated.is_curated(tmp_path / "folder")


def test_a_changed_folder_is_not_packed(curated_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(curated_folder, folder)
    (folder / curated.read(folder)[0].path).write_bytes(b"edited")
    with pytest.raises(curated.NotCurated, match="curate again"):
        pack(folder, tmp_path / "shards")


@pytest.fixture
def project(raw_folder: Path, encoder_folder: Path, tmp_path: Path) -> Path:
    """A git repository with our pipeline over a small folder."""
    if not DVC.is_file():
        pytest.skip("dvc is not installed here: make tools")
    home = tmp_path / "project"
    home.mkdir()
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copyfile(ROOT / name, home / name)
    shutil.copytree(ROOT / ".dvc", home / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache"))
    parameters = (ROOT / "params.yaml").read_text()
    (home / "params.yaml").write_text(
        parameters.replace("zedsden/mushroom-classification-dataset", str(raw_folder))
    )
    run(home, encoder_folder, "git", "init", "-q")
    run(home, encoder_folder, str(DVC), "config", "--local", "core.remote", "here")
    run(
        home, encoder_folder, str(DVC), "remote", "add", "--local", "here", str(tmp_path / "remote")
    )
    return home


def run(home: Path, encoder: Path, *command: str) -> str:
    who = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"]
    environment = {
        **os.environ,
        **dict.fromkeys(who, "test"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MYCOVIGIL_ENCODER_URI": str(encoder),
        "DVC_NO_ANALYTICS": "1",
    }
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_pipeline_runs_once_and_its_figures_are_compared(
    project: Path, encoder_folder: Path, tmp_path: Path
) -> None:
    def dvc(*arguments: str) -> str:
        return run(project, encoder_folder, str(DVC), *arguments)

    dvc("repro")
    figures = json.loads((project / "data/evaluation/summary.json").read_text())
    assert figures["models"]["probe"]["macro_recall"] > 0.5
    assert "Data and pipelines are up to date." in dvc("repro")
    run(project, encoder_folder, "git", "add", "-A")
    run(project, encoder_folder, "git", "commit", "-qm", "first")
    dvc("push")
    assert sum(one.is_file() for one in (tmp_path / "remote").rglob("*")) > 3

    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("seed: 20261122", "seed: 7"))
    again = dvc("repro")
    assert "Stage 'curate' didn't change" in again
    changes = json.loads(dvc("metrics", "diff", "--json"))
    assert any("macro_recall" in key for key in changes["data/evaluation/summary.json"])

    shutil.rmtree(project / "data/shards")
    shutil.rmtree(project / ".dvc/cache")
    dvc("pull")
    assert curated.report_of(project / "data/shards")["content_hash"]
