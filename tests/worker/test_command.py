"""``mycovigil drift test`` on two files, and the light import of the command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mycovigil_worker.cli.drift import app


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A reference, a calm night and a drifted one."""
    rng = np.random.default_rng(3)
    paths = {name: str(tmp_path / f"{name}.npz") for name in ("reference", "calm", "drifted")}
    np.savez(paths["reference"], features=rng.standard_normal((400, 12)))
    np.savez(paths["calm"], features=rng.standard_normal((150, 12)))
    np.savez(paths["drifted"], features=rng.standard_normal((150, 12)) + 1.0)
    return paths


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_two_files_are_judged(files: dict[str, str]) -> None:
    verdicts = {}
    for night in ("calm", "drifted"):
        code, output = run(
            "test", "--reference", files["reference"], "--night", files[night], "--json"
        )
        assert code == 0
        verdicts[night] = json.loads(output)
    assert verdicts["calm"]["verdict"] == "calm"
    assert verdicts["drifted"]["verdict"] == "drift"
    assert verdicts["drifted"]["p_value"] < 0.001
    assert verdicts["drifted"]["reference_rows"] == 400
    assert "kind" in verdicts["drifted"]["cause"]


def test_a_person_gets_a_verdict_in_words(files: dict[str, str]) -> None:
    code, output = run("test", "--reference", files["reference"], "--night", files["drifted"])
    assert code == 0
    assert output.startswith("drift (p = ")


@pytest.fixture
def days(tmp_path: Path) -> dict[str, str]:
    """Six days that differ, one more of their kind, and one that lies farther."""
    rng = np.random.default_rng(4)
    paths = {name: str(tmp_path / f"{name}.npz") for name in ("reference", "calm", "drifted")}
    means = rng.normal(0, 0.3, (6, 12))
    rows = np.vstack([rng.standard_normal((80, 12)) + mean for mean in means])
    keys = np.repeat([f"2026-11-0{day + 1}" for day in range(6)], 80)
    np.savez(paths["reference"], features=rows, days=keys)
    for name, spread in (("calm", 0.3), ("drifted", 3.0)):
        moved = rng.standard_normal((150, 12)) + rng.normal(0, spread, 12)
        np.savez(paths[name], features=moved)
    return paths


def test_a_night_beside_days_that_differ(days: dict[str, str]) -> None:
    found = {}
    for night in ("calm", "drifted"):
        code, output = run(
            "test", "--reference", days["reference"], "--night", days[night], "--json"
        )
        assert code == 0
        found[night] = json.loads(output)
    assert [found[night]["verdict"] for night in ("calm", "drifted")] == ["calm", "drift"]
    assert found["calm"]["days"] == 6
    assert found["calm"]["detectable"] > 1
    assert found["drifted"]["p_value"] == max(found["drifted"][p] for p in ("p_rows", "p_days"))
    assert found["drifted"]["rank"] == 1
    assert "kind" in found["drifted"]["cause"]
    code, output = run("test", "--reference", days["reference"], "--night", days["calm"])
    assert code == 0
    assert "times what your days vary by" in " ".join(output.split())
    seen = f"A shift of {found['calm']['detectable']:.2g} times would have been seen."
    assert seen in " ".join(output.split()), "what a calm night could not have shown"


def test_days_must_be_one_key_a_row(days: dict[str, str], tmp_path: Path) -> None:
    wrong = str(tmp_path / "wrong.npz")
    np.savez(wrong, features=np.ones((200, 12)), days=["2026-11-01"])
    code, output = run("test", "--reference", wrong, "--night", days["calm"])
    assert code == 2
    assert "days must be one key a row" in output


@pytest.mark.parametrize("content", [b"", b"not a file of arrays"])
def test_a_file_that_is_none_is_refused(
    files: dict[str, str], tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(content)
    code, output = run("test", "--reference", str(broken), "--night", files["calm"])
    assert code == 2
    assert "not a readable .npz file" in output


def test_too_few_rows_are_refused_with_the_number_needed(
    files: dict[str, str], tmp_path: Path
) -> None:
    few = tmp_path / "few.npz"
    np.savez(few, features=np.ones((3, 12)))
    code, output = run("test", "--reference", files["reference"], "--night", str(few))
    assert code == 2
    assert "at least 30 are needed" in output


def test_arrays_under_other_names_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, x=np.ones((3, 12)))
    code, output = run("test", "--reference", str(other), "--night", files["calm"])
    assert code == 2
    assert "no array called 'features'" in output


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2026-09-03", "2026-09-01", "--to must lie after --from"),
        ("2126-09-01", "2126-09-03", "--from lies in the future"),
    ],
)
def test_a_reversed_or_future_stretch_is_refused(since: str, until: str, said: str) -> None:
    code, output = run("backfill", "--from", since, "--to", until)
    assert code == 2
    assert said in output


def test_importing_the_command_or_the_app_loads_nothing_heavy() -> None:
    script = (
        "import sys, mycovigil_worker.cli.drift, mycovigil_worker.app;"
        "print([m for m in ('numpy', 'pandas', 'evidently', 'sqlalchemy', 'sklearn', 'torch')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
