"""`make audit` fails on known holes, and never takes silence of a database for health."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "audit.py"
HOLE = {"id": "PYSEC-1", "fix_versions": ["2.11"]}
FAKE = """#!/bin/sh
file=$2
case $4 in
{cases}
esac
"""


def audited(folder: Path, **answers: tuple[list[object], list[object]]) -> tuple[int, str]:
    """Exit code and output where each database answers with two lists: about the package that is
    known to be bad, and about every lock."""
    cases = ""
    for source, (known, lock) in answers.items():
        said = [json.dumps({"dependencies": one}) for one in (known, lock)]
        cases += (
            f"{source}) if grep -q '^jinja2==2.10$' \"$file\"; "
            f"then echo '{said[0]}'; else echo '{said[1]}'; fi;;\n"
        )
    fake = folder / "pip-audit"
    fake.write_text(FAKE.format(cases=cases + "*) echo 'no route' >&2; exit 1;;"))
    fake.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=os.environ | {"PIP_AUDIT": str(fake)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


BAD = {"name": "jinja2", "version": "2.10", "vulns": [HOLE]}
GOOD = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "torch", "skip_reason": "not found"}


def test_a_hole_in_a_lock_fails_and_is_named(tmp_path: Path) -> None:
    code, said = audited(tmp_path, pypi=([BAD], [GOOD, BAD]))
    assert code == 1
    assert "jinja2 2.10 has PYSEC-1; mended in 2.11" in said


def test_locks_without_holes_pass_and_what_is_unknown_is_named(tmp_path: Path) -> None:
    code, said = audited(tmp_path, pypi=([BAD], [GOOD, SKIPPED]))
    assert code == 0
    assert "requirements.lock: 1 packages audited, 0 holes" in said
    assert "pypi does not know torch" in said


def test_a_mirror_without_data_is_passed_over(tmp_path: Path) -> None:
    """It finds nothing in any package, not even where every database knows of a hole."""
    code, said = audited(tmp_path, pypi=([SKIPPED], [SKIPPED]), osv=([BAD], [GOOD]))
    assert (code, "1 packages audited" in said) == (0, True)


def test_no_database_is_a_warning(tmp_path: Path) -> None:
    code, said = audited(tmp_path, pypi=([SKIPPED], [SKIPPED]))
    assert code == 0
    assert "::warning::nothing was audited" in said
    assert "packages audited" not in said
