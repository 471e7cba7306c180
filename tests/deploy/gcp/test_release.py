"""The release rolls out what Terraform made: migrations first, then services, jobs and pools."""

import os
import subprocess
from pathlib import Path

import pytest
from factories.cloud import DEPLOY, Workload

SCRIPT = DEPLOY / "gcp" / "release.sh"
IMAGES = [
    f"{name}=r/{name}@sha256:{'0' * 63}{n}"
    for n, name in enumerate(("predictor", "drift", "worker", "trainer"), 1)
]


def released(folder: Path, *images: str, failing: str = "nothing") -> tuple[int, list[str]]:
    """Exit code, and what gcloud was asked for; the call that contains ``failing`` fails."""
    calls = folder / "calls"
    fake = folder / "gcloud"
    fake.write_text(f'#!/bin/sh\necho "$*" >> {calls}\ncase "$*" in *"{failing}"*) exit 1;; esac\n')
    fake.chmod(0o755)
    done = subprocess.run(
        [str(SCRIPT), "fungi", "europe-west1", *images],
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        check=False,
        capture_output=True,
        timeout=30,
    )
    asked = calls.read_text().splitlines() if calls.exists() else []
    prefix = "run --project=fungi --region=europe-west1 --quiet "
    assert all(call.startswith(prefix) for call in asked)
    return done.returncode, [call.removeprefix(prefix) for call in asked]


def test_the_database_is_migrated_by_the_image_that_follows(tmp_path: Path) -> None:
    code, calls = released(tmp_path, *IMAGES)
    image = IMAGES[1].removeprefix("drift=")
    assert code == 0
    assert calls[:2] == [
        f"jobs update mycovigil-migrate --image={image}",
        "jobs execute mycovigil-migrate --wait",
    ]
    assert f"services update mycovigil-drift --no-traffic --container=main --image={image}" in calls


def test_everything_that_runs_is_rolled_out(tmp_path: Path, workloads: dict[str, Workload]) -> None:
    _, calls = released(tmp_path, *IMAGES)
    nouns = {"service": "services", "pool": "worker-pools", "job": "jobs"}
    for workload in workloads.values():
        image = f"--image=r/{workload.image.split('/')[-1].partition('@')[0]}@"
        of_it = [call for call in calls if f" update {workload.name} " in call]
        assert [call for call in of_it if call.startswith(nouns[workload.kind]) and image in call]


def test_trainings_on_vertex_ai_run_the_image_that_is_rolled_out(tmp_path: Path) -> None:
    _, calls = released(tmp_path, *IMAGES)
    (call,) = [one for one in calls if "mycovigil-trainer" in one]
    image = IMAGES[3].removeprefix("trainer=")
    assert call.endswith(f"--image={image} --update-env-vars=MYCOVIGIL_VERTEX_IMAGE={image}")


def test_a_migration_that_fails_stops_the_release(tmp_path: Path) -> None:
    code, calls = released(tmp_path, *IMAGES, failing="jobs execute")
    assert code != 0
    assert len(calls) == 2


def test_a_revision_that_does_not_start_gets_no_traffic(tmp_path: Path) -> None:
    code, calls = released(tmp_path, *IMAGES, failing="services update mycovigil-predictor")
    assert code != 0
    assert not [call for call in calls if "update-traffic" in call]


@pytest.mark.parametrize(
    "images",
    [IMAGES[:3], [*IMAGES[:3], IMAGES[0]], [*IMAGES[:3], "trainer=r/trainer:latest"]],
    ids=["three", "one twice", "a tag"],
)
def test_what_is_not_four_digests_is_refused(tmp_path: Path, images: list[str]) -> None:
    assert released(tmp_path, *images) == (2, [])
