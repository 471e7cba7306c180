"""A stack that was killed leaves processes; the next one in its folder ends them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mycovigil import stack_file

WAIT = [sys.executable, "-c", "import threading; threading.Event().wait()"]


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_leftovers_of_a_killed_stack_are_ended(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    with subprocess.Popen(WAIT) as orphan:
        stack_file.write(file, {"pid": dead_pid(), "processes": {"drift": orphan.pid}})
        assert stack_file.read(file) is None
        stack_file.claim(file)
        orphan.wait(timeout=60)
    assert not file.exists()


def test_a_process_that_only_inherited_the_number_is_spared(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    with subprocess.Popen(WAIT) as stranger:
        stack_file.write(file, {"pid": dead_pid(), "processes": {"drift": stranger.pid}})
        os.utime(file, (1, 1))
        stack_file.claim(file)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", [None, "", "{"])
def test_no_beacon_no_claim(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "stack.json"
    if content is not None:
        file.write_text(content)
    stack_file.claim(file)
    assert stack_file.read(file) is None


def test_an_owner_whose_number_was_given_away_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    stack_file.write(file, {"pid": os.getpid(), "processes": {}})
    assert stack_file.read(file) is not None
    os.utime(file, (1, 1))
    assert stack_file.read(file) is None
    stack_file.claim(file)
    assert not file.exists()


def test_a_folder_is_held_by_one_from_the_start(tmp_path: Path) -> None:
    with (
        stack_file.locked(tmp_path),
        pytest.raises(stack_file.AlreadyRunning, match="runs or starts a stack"),
        stack_file.locked(tmp_path),
    ):
        pass
    with stack_file.locked(tmp_path):
        pass
