"""Known holes in the packages that the locks hold: ``make audit``.

Exit code 1 if a package has one. Where the source of what is known cannot be reached, a warning and
0: a database that is away says nothing about our packages.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ["requirements.lock", "requirements-cuda.lock", "deploy/tools/requirements.txt"]
# The databases that are asked, in turn, until one answers.
SOURCES = ["pypi", "osv"]
# Has holes that every database knows. A mirror without their data finds none in any package.
KNOWN_BAD = "jinja2==2.10"
# Identifiers of holes that do not concern us, each with the reason.
IGNORED: dict[str, str] = {}
PIP_AUDIT = os.environ.get("PIP_AUDIT", str(Path(sys.executable).parent / "pip-audit"))


def main() -> int:
    """Audit every lock, and print a line for each."""
    source = next(filter(knows, SOURCES), None)
    if source is None:
        print(f"::warning::nothing was audited: neither of {', '.join(SOURCES)} tells known holes")
        return 0
    return int(sum(holes(lock, source) for lock in LOCKS) > 0)


def knows(source: str) -> bool:
    """Whether the database answers, and has what we ask for."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(KNOWN_BAD + "\n")
        file.flush()
        return any(one.get("vulns") for one in asked(Path(file.name), source))


def holes(lock: str, source: str) -> int:
    """Audit one lock; how many holes its packages have."""
    packages = asked(ROOT / lock, source)
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        print(f"::warning::{lock} was not audited: {source} went away")
        return 0
    found = [(one, hole) for one in packages for hole in one.get("vulns", [])]
    for one, hole in found:
        fixed = ", ".join(hole["fix_versions"]) or "no version"
        print(f"{lock}: {one['name']} {one['version']} has {hole['id']}; mended in {fixed}")
    print(f"{lock}: {len(packages) - len(unknown)} packages audited, {len(found)} holes")
    if unknown:
        print(f"::warning::{lock}: {source} does not know {', '.join(unknown)}")
    return len(found)


def asked(file: Path, source: str) -> list[dict[str, Any]]:
    """Each package of a file with what is known about it; nothing if the database is away."""
    command = [PIP_AUDIT, "--requirement", str(file), "--vulnerability-service", source]
    command += ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    command += ["--timeout", "15"]
    command += [word for one in IGNORED for word in ("--ignore-vuln", one)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return []
    return packages


if __name__ == "__main__":
    sys.exit(main())
