"""Check ``.github`` and Cloud Build's file without a network: part of ``make check-deploy``.

zizmor looks for what makes a workflow unsafe, check-jsonschema holds each file against its schema.
Ends with a line that counts what was checked.
"""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.dependabot": ".github/dependabot.yml",
    "vendor.cloudbuild": "deploy/gcp/*.yaml",
}


def main() -> int:
    """Run every checker; 1 if one found something."""
    workflows = files(SCHEMAS["vendor.github-workflows"])
    zizmor = [str(BIN / "zizmor"), "--offline", "--no-progress", "--pedantic", ".github"]
    failed = [] if passes(zizmor) else ["zizmor"]
    valid = 0
    for schema, pattern in SCHEMAS.items():
        for file in files(pattern):
            ok = passes([str(BIN / "check-jsonschema"), "--builtin-schema", schema, file])
            failed += [] if ok else [file]
            valid += ok
    print(
        f"workflows: {len(workflows)} read by zizmor, {valid} files valid by their schemas"
        + (f"; FAILED: {', '.join(failed)}" if failed else "")
    )
    return int(bool(failed))


def files(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))


def passes(command: list[str]) -> bool:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
