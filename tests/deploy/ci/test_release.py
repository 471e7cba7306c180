"""A release says what changed, and is refused where tag, changelog and sources disagree."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", REPOSITORY / ".ci" / "release.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.0\n\n- a thing\n\n## 1.1.0\n\n- old\n"
    )
    return tmp_path


def test_the_notes_are_the_section_of_the_tag(release: ModuleType, sources: Path) -> None:
    assert release.changelog("v1.2.0", sources) == "- a thing\n"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [("1.2.0", "no tag of a version"), ("v1.1.0", "shared/pyproject.toml says 1.2.0")],
)
def test_another_tag_is_refused(release: ModuleType, sources: Path, tag: str, reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        release.changelog(tag, sources)


def test_a_version_without_a_section_is_refused(release: ModuleType, sources: Path) -> None:
    (sources / "CHANGELOG.md").write_text("## Unreleased\n\n- a thing\n")
    with pytest.raises(SystemExit, match="no section"):
        release.changelog("v1.2.0", sources)


def test_each_service_has_a_valid_document(release: ModuleType) -> None:
    documents = {name: json.loads(text) for name, text in release.openapi().items()}
    assert "/v1/predictions" in documents["predictor"]["paths"]
    assert "/v1/models" in documents["drift"]["paths"]
