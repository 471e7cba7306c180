"""Images are pushed by a tag of their own and known by digest; nothing is scanned by silence."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / ".ci" / "images"
DIGEST = "sha256:" + "a" * 64


def images(folder: Path, *arguments: str, digest: str = DIGEST) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and the calls of docker, gcloud and grype."""
    (folder / ".ci").mkdir()
    script = folder / ".ci" / "images"
    script.write_text(SCRIPT.read_text())
    script.chmod(0o755)
    for name in ("docker", "gcloud"):
        (folder / name).write_text(
            f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\n'
            f'case "$*" in inspect*) echo "r/x@{digest}";; *print-access-token) echo t;; esac\n'
        )
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [str(script), *arguments],
        env={
            "PATH": f"{folder}:/usr/bin:/bin",
            "HOME": os.environ["HOME"],
            "GITHUB_OUTPUT": str(folder / "output"),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    calls = (folder / "calls").read_text().splitlines() if (folder / "calls").exists() else []
    return done.returncode, done.stdout + done.stderr, [one for one in calls if "info" not in one]


def test_a_pushed_image_is_known_by_digest(tmp_path: Path) -> None:
    registry = "europe-west1-docker.pkg.dev/fungi/mycovigil"
    code, said, calls = images(tmp_path, "push", registry, "abc-1", "drift")
    assert code == 0
    assert f"drift={registry}/drift@{DIGEST}" in said
    assert f"docker push --quiet {registry}/drift:abc-1" in calls
    assert any("login" in one and "europe-west1-docker.pkg.dev" in one for one in calls)
    assert (tmp_path / "output").read_text() == f"image={registry}/drift\ndigest={DIGEST}\n"


def test_an_image_without_a_digest_stops_the_push(tmp_path: Path) -> None:
    code, said, _ = images(tmp_path, "push", "r", "abc-1", "drift", digest="none")
    assert (code, "no digest of drift" in said) == (1, True)


def test_a_missing_scanner_is_a_failure(tmp_path: Path) -> None:
    code, said, calls = images(tmp_path, "scan", "drift")
    if calls:
        pytest.skip("grype is installed here")
    assert (code, "nothing was scanned" in said) == (1, True)
