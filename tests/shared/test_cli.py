"""What the command says when it cannot work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mycovigil_local.port import free_port


@pytest.mark.parametrize("command", [("models", "list"), ("keys", "list")])
def test_a_database_that_is_away_is_told_in_one_line(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none"
    done = subprocess.run(
        [sys.executable, "-m", "mycovigil", *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"MYCOVIGIL_DATABASE_URL": url},
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "mycovigil up" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
