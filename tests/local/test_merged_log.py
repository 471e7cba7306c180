"""The log of an embedded stack is bounded: it may run for months."""

from pathlib import Path

import pytest

from mycovigil_local import merged_log
from mycovigil_local.merged_log import MergedLog


def test_the_log_and_its_predecessors_stay_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged_log, "MOST_BYTES", 1_000)
    path = tmp_path / "logs" / "stack.log"
    with MergedLog(path, None) as log:
        for number in range(500):
            log.line("worker", f"line {number} with 100% of its text")
    files = sorted(path.parent.iterdir())
    assert len(files) == 1 + merged_log.PREDECESSORS
    assert sum(file.stat().st_size for file in files) <= 4_000
    assert path.read_text().splitlines()[-1] == "worker    | line 499 with 100% of its text"


def test_a_line_after_the_end_is_dropped(tmp_path: Path) -> None:
    with MergedLog(tmp_path / "stack.log", None) as log:
        pass
    log.line("worker", "too late")
    assert (tmp_path / "stack.log").read_text() == ""
