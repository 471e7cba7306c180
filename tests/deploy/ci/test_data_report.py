"""A change of the data is reported beside the version before, and data that is not whole fails."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / ".ci" / "data_report.py"
FAKE = """#!/bin/sh
echo "$*" >> calls
case "$*" in
"pull data/shards") {pull};;
"params diff --md first") echo '| params.yaml | train.seed | 1 | 7 |';;
"metrics diff --md first") ;;
"get . data/shards/curation.json --rev first --out "*) cp earlier.json "$7";;
"dataset unpack data/shards data/curated") {unpack};;
*) echo "unexpected: $*" >&2; exit 2;;
esac
"""


@pytest.fixture(scope="module")
def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("data_report", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reported(
    folder: Path, pull: str = "true", unpack: str = "echo data/curated is whole"
) -> tuple[int, str]:
    """Exit code and report where DVC and our command answer so."""
    (folder / "data" / "shards").mkdir(parents=True)
    (folder / "earlier.json").write_text(json.dumps({"photos": {"deadly": 90, "edible": 40}}))
    now = {"photos": {"deadly": 100, "edible": 40}, "dropped": {"broken": 2}}
    (folder / "data" / "shards" / "curation.json").write_text(json.dumps(now))
    for name in ("dvc", "mycovigil"):
        (folder / name).write_text(FAKE.format(pull=pull, unpack=unpack))
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "first"],
        cwd=folder,
        env=os.environ | {"DVC": "./dvc", "PATH": f"{folder}:{os.environ['PATH']}"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, (folder / "build" / "data-report.md").read_text()


def test_parameters_figures_and_counts_stand_beside_the_earlier(tmp_path: Path) -> None:
    code, text = reported(tmp_path)
    assert code == 0
    assert "train.seed | 1 | 7" in text
    assert "### Figures\n\nNo change." in text
    assert "| photos.deadly | 90 | 100 | +10 |" in text
    assert "| dropped.broken |  | 2 |  |" in text
    assert "photos.edible" not in text


@pytest.mark.parametrize(
    ("pull", "unpack", "reason"),
    [
        ("echo 'no right to read' >&2; exit 1", "true", "no right to read"),
        ("true", "echo 'photos-3 lacks 2 photos' >&2; exit 1", "photos-3 lacks 2 photos"),
    ],
    ids=["remote", "damaged"],
)
def test_data_that_is_not_whole_fails_and_says_why(
    tmp_path: Path, pull: str, unpack: str, reason: str
) -> None:
    code, text = reported(tmp_path, pull, unpack)
    assert code == 1
    assert reason in text


def test_a_value_that_would_break_the_table_does_not(report: ModuleType) -> None:
    assert report.table({"a": "x|y"}, {"a": "z" * 100}).endswith("| a | x\\|y | … |  |")
    assert report.table({"a": 1}, {"a": 1}) == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_versions_with_dvc_itself(tmp_path: Path) -> None:
    dvc = REPOSITORY / "build/tools/bin/dvc"
    if not dvc.is_file():
        pytest.skip("dvc is not installed here: make tools")
    home = tmp_path / "project"
    (home / "data" / "shards").mkdir(parents=True)
    environment = {
        **os.environ,
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "test"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "test"),
        "DVC": str(dvc),
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{home}:{os.environ['PATH']}",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=home, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    (home / "mycovigil").write_text("#!/bin/sh\necho data/curated is whole\n")
    (home / "mycovigil").chmod(0o755)
    run("git", "init", "-q")
    run(str(dvc), "init", "-q")
    run(str(dvc), "remote", "add", "-d", "here", str(tmp_path / "remote"))
    for deadly, seed in ((90, 1), (100, 7)):
        (home / "data/shards/curation.json").write_text(json.dumps({"photos": {"deadly": deadly}}))
        (home / "params.yaml").write_text(f"seed: {seed}\n")
        (home / "dvc.yaml").write_text(
            "stages:\n  s:\n    cmd: cp params.yaml figures.yaml\n"
            "    params: [seed]\n    metrics: [{figures.yaml: {cache: false}}]\n"
        )
        run(str(dvc), "add", "-q", "data/shards")
        run(str(dvc), "repro", "-q")
        run("git", "add", "-A")
        run("git", "commit", "-qm", f"{deadly}")
        run(str(dvc), "push", "-q")
    shutil.rmtree(home / ".dvc/cache")
    shutil.rmtree(home / "data/shards")
    text = run(sys.executable, str(SCRIPT), run("git", "rev-parse", "HEAD~1"))
    assert "| photos.deadly | 90 | 100 | +10 |" in text
    assert re.search(r"params.yaml +\| seed +\| 1 +\| 7", text)
    assert re.search(r"figures.yaml +\| seed +\| 1 +\| 7 +\| 6", text)
