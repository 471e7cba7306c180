"""The gate of CI: one check that is green only if every job was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "gate.py"


def decided(results: dict[str, str]) -> int:
    needs = json.dumps({name: {"result": result} for name, result in results.items()})
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=os.environ | {"RESULTS": needs},
        check=False,
        capture_output=True,
        timeout=30,
    ).returncode


def test_every_job_succeeded() -> None:
    assert decided({"lint": "success", "test": "success"}) == 0


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
def test_anything_else_closes_it(result: str) -> None:
    assert decided({"lint": "success", "test": result}) == 1


def test_no_job_at_all_closes_it() -> None:
    assert decided({}) == 1
