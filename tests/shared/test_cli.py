"""The ``mycovigil`` command: help without imports, suggestions, and one sentence on a failure."""

import errno
import os
import re
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from mycovigil import cli
from mycovigil.commands import lazy_group
from mycovigil.commands.failure import sentence
from mycovigil_local.port import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "onnxruntime", "sqlalchemy", "pandas", "celery", "fastapi", "numpy", "httpx")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mycovigil", *words],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
        timeout=120,
    )


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The command in this process, where its libraries are imported already: a second less."""

    def ran(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(tmp_path)  # no stack runs here
        monkeypatch.setattr(sys, "argv", ["mycovigil", *words])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code, said = ended.value.code, capsys.readouterr()
        if isinstance(code, str):  # as the interpreter does
            return subprocess.CompletedProcess(words, 1, said.out, f"{said.err}{code}\n")
        return subprocess.CompletedProcess(words, code or 0, said.out, said.err)

    return ran


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/x"), "the disk is full (out/x)"),
        (RuntimeError("[enforce fail] PytorchStreamWriter failed writing file"), "disk is full"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), "smaller batches"),
        (MemoryError(), "smaller batches"),
    ],
)
def test_a_full_disk_and_a_full_gpu_are_one_sentence(error: Exception, words: str) -> None:
    assert words in (sentence(error, "finetune") or "")


@pytest.mark.parametrize("command", [("models", "list"), ("keys", "list")])
def test_a_database_that_is_away_is_told_in_one_line(
    command: tuple[str, ...], run_here: Run
) -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none"
    done = run_here(*command, MYCOVIGIL_DATABASE_URL=url)
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "mycovigil up" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MYCOVIGIL_DRIFT_PROT", "1", "MYCOVIGIL_DRIFT_PROT is not a setting of Mycovigil"),
        (
            "MYCOVIGIL_DRIFT_PORT",
            "secret",
            "MYCOVIGIL_DRIFT_PORT is wrong: Input should be a valid",
        ),
    ],
)
def test_a_wrong_setting_is_one_sentence(name: str, value: str, said: str, run_here: Run) -> None:
    done = run_here("models", "list", **{name: value})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mycovigil models: {said}")
    assert "secret" not in line


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys; from mycovigil.cli import main; sys.argv = ['mycovigil', '--help']\n"
        "try: main()\n"
        f"except SystemExit: print([n for n in {HEAVY!r} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    *help_text, imported = done.stdout.splitlines()
    assert imported == "[]"
    for name in lazy_group.DISTRIBUTIONS:
        assert re.search(rf"│ {name} +\w", "\n".join(help_text)), name


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("tran",), "Did you mean 'train'?"),
        (("models", "promot"), "Did you mean 'promote'?"),
        (("train", "--no-promot", "x"), "--no-promote"),
        (("up", "--predictor-prot", "1"), "--predictor-port"),
        (("dataset", "curate", "--tp", "x"), "Did you mean --to or --help?"),
        (("--versoin",), "--version"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_right_one(
    words: tuple[str, ...], hint: str, run_here: Run
) -> None:
    done = run_here(*words)
    assert done.returncode == 2
    assert hint in done.stderr.splitlines()[-1]


def test_the_version_is_told() -> None:
    assert run("--version").stdout == "mycovigil 0.1.0\n"


def test_completion_reaches_nested_commands() -> None:
    asked: Any = {"_MYCOVIGIL_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    assert run(**asked, COMP_WORDS="mycovigil models pro").stdout.split() == ["promote"]


def test_colour_is_left_out_where_it_is_not_wanted() -> None:
    assert COLOUR.search(run("--help", FORCE_COLOR="1").stdout)
    assert not COLOUR.search(run("--help", FORCE_COLOR="1", NO_COLOR="1").stdout)


def test_each_command_is_of_the_distribution_that_is_named() -> None:
    found: dict[str, str] = {}
    for pattern in ("*/pyproject.toml", "services/*/pyproject.toml"):
        for path in REPOSITORY.glob(pattern):
            project = tomllib.loads(path.read_text())["project"]
            points = project.get("entry-points", {}).get(lazy_group.GROUP, {})
            found |= dict.fromkeys(points, project["name"])
    assert found == lazy_group.DISTRIBUTIONS


@pytest.mark.parametrize(
    ("installed", "brings"),
    [
        ([], "is a command of mycovigil-training, which is not installed: pip install"),
        (
            [EntryPoint("train", "no_such_package.train:app", lazy_group.GROUP)],
            "mycovigil-training",
        ),
    ],
    ids=["distribution", "dependency"],
)
def test_a_command_that_lacks_its_package_names_it(
    installed: list[EntryPoint],
    brings: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lazy_group, "entry_points", lambda group: installed)
    monkeypatch.setattr(sys, "argv", ["mycovigil", "train", "photos"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = f"{ended.value.code} {capsys.readouterr().err}"
    assert ended.value.code != 0
    assert brings in said


@pytest.mark.parametrize(
    "command",
    [
        ("answers", "stop"),
        ("answers", "resume"),
        ("models", "rollback"),
        ("models", "bring-back", str(uuid.UUID(int=1))),
    ],
)
def test_blanks_are_no_reason(run_here: Run, command: tuple[str, ...]) -> None:
    for blank in ("", "  ", " ab ", "x" * 501):
        done = run_here(*command, "--reason", blank)
        assert done.returncode == 2
        assert "say why, in 3 to 500 characters" in done.stderr
