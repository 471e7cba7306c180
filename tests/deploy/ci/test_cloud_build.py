"""Cloud Build builds what `make images` builds, and pushes it where Terraform has a registry."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
PREFIX = "${_REGION}-docker.pkg.dev/$PROJECT_ID/mycovigil/"


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "deploy" / "gcp" / "cloudbuild.yaml").read_text()))


def built_here() -> dict[str, str]:
    """Name and folder of each image of ``deploy/images.sh``."""
    script = (REPOSITORY / "deploy" / "images.sh").read_text()
    (line,) = re.findall(r"^for image in (.+); do$", script, re.MULTILINE)
    return dict(pair.split(":") for pair in line.split())


def test_it_builds_the_images_of_the_script(build: dict[str, Any]) -> None:
    built = {}
    for step in build["steps"]:
        words = iter(step["args"])
        options = {word: next(words) for word in words if word.startswith("--")}
        assert step["args"][0] == "build"
        assert options["--tag"] == f"{PREFIX}{step['id']}:$COMMIT_SHA"
        built[step["id"]] = options["--file"]
    assert built == {name: f"{folder}/Dockerfile" for name, folder in built_here().items()}


def test_it_pushes_each_and_records_where_they_came_from(build: dict[str, Any]) -> None:
    assert build["images"] == [f"{PREFIX}{name}:$COMMIT_SHA" for name in built_here()]
    assert build["options"]["requestedVerifyOption"] == "VERIFIED"


def test_the_registry_is_the_one_of_terraform(build: dict[str, Any]) -> None:
    example = (REPOSITORY / "deploy" / "gcp" / "example.tfvars").read_text()
    for name in built_here():
        assert f"/mycovigil/{name}@sha256:" in example


def test_the_workflow_builds_them_too() -> None:
    jobs = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "images.yml").read_text())["jobs"]
    for job in jobs.values():
        assert job["strategy"]["matrix"]["image"] == list(built_here())
