"""What a change of the data changes: ``make data-report BASE=REVISION``.

Pulls the shards, checks every photo against its manifest, and writes ``build/data-report.md``:
parameters, figures and the datasheet beside those of ``BASE``. Exit code 1, with the reason in the
report, where the data cannot be pulled or is not whole.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path.cwd()
DVC = os.environ.get("DVC", "build/tools/bin/dvc")
SHEET = "data/shards/curation.json"
REPORT = Path("build/data-report.md")
# Of lists and texts longer than this the report says only that they changed.
LONGEST = 60


class Failed(Exception):
    """A command failed; the message is its error, in one line."""


def main() -> int:
    """Write the report; 1 where the data is not whole."""
    base = sys.argv[1]
    parts, trouble = [f"## Data against `{base[:12]}`"], ""
    try:
        run(DVC, "pull", "data/shards")
        parts.append(run("mycovigil", "dataset", "unpack", "data/shards", "data/curated"))
        parts += ["### Parameters", run(DVC, "params", "diff", "--md", base)]
        parts += ["### Figures", run(DVC, "metrics", "diff", "--md", base)]
        parts += ["### Datasheet", datasheet(base)]
    except Failed as failure:
        trouble = str(failure)
        parts.append(f"**Not whole: {trouble}**")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n\n".join(part or "No change." for part in parts) + "\n")
    print(REPORT.read_text())
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as stream:
            stream.write(REPORT.read_text())
    return int(bool(trouble))


def run(*command: str) -> str:
    """What a command prints.

    Raises:
        Failed: it ended with an error.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        said = " ".join(said[max(said.find("ERROR: "), 0) :].split())
        raise Failed(f"{' '.join(command[1:3])}: {said}")
    return done.stdout.strip()


def datasheet(base: str) -> str:
    """The counts of curation that differ, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        earlier = Path(folder) / "curation.json"
        try:
            run(DVC, "get", ".", SHEET, "--rev", base, "--out", str(earlier))
        except Failed as failure:
            return f"No earlier version to compare with ({failure})."
        return table(leaves(json.loads(earlier.read_text())), leaves(json.loads(read(SHEET))))


def read(path: str) -> str:
    return (ROOT / path).read_text()


def leaves(document: Any, name: str = "") -> dict[str, Any]:
    """Every value of nested dictionaries by its path."""
    if not isinstance(document, dict):
        return {name: document}
    found = {}
    for key, value in document.items():
        found |= leaves(value, f"{name}.{key}" if name else str(key))
    return found


def table(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Paths whose values differ, in Markdown; empty where none does."""
    rows = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        both = isinstance(old, int | float) and isinstance(new, int | float)
        change = f"{new - old:+g}" if both else ""
        rows.append(f"| {name} | {shown(old)} | {shown(new)} | {change} |")
    head = ["| what | before | now | change |", "|---|---|---|---|"]
    return "\n".join(head + rows) if rows else ""


def shown(value: Any) -> str:
    text = "" if value is None else str(value)
    return (text if len(text) <= LONGEST else "…").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
