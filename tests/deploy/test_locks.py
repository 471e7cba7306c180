"""The locks pin each requirement of the rooms with hashes, and nothing that was withdrawn."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
WHOLE = [REPOSITORY / "requirements.lock", REPOSITORY / "requirements-cuda.lock"]
IMAGES = [
    file
    for file in sorted((REPOSITORY / "deploy" / "locks").glob("*.lock"))
    if not file.name.endswith("-cpu.lock")
]
ROOMS = [
    tomllib.loads(path.read_text())["project"]
    for path in [
        *REPOSITORY.glob("*/pyproject.toml"),
        *REPOSITORY.glob("services/*/pyproject.toml"),
    ]
]
# The two ends of the supported Pythons.
PYTHONS = [{"python_version": f"3.{n}", "python_full_version": f"3.{n}.4"} for n in (11, 14)]
PLATFORMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
]


def entries(*files: Path) -> list[str]:
    text = "".join(file.read_text() for file in files)
    return re.findall(r"^[A-Za-z0-9].*\n(?: .*\n)*", text, re.MULTILINE)


def requirement(entry: str) -> Requirement:
    return Requirement(entry.split("\n", maxsplit=1)[0].rstrip(" \\"))


def pinned(environment: dict[str, str]) -> dict[str, str]:
    """Name and version of what the locks install in an environment."""
    found = [requirement(entry) for entry in entries(*WHOLE)]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in found
        if one.marker is None or one.marker.evaluate(environment)
    }


def wanted() -> list[Requirement]:
    lines = (REPOSITORY / "requirements-dev.txt").read_text().splitlines()
    for room in ROOMS:
        lines += room["dependencies"]
        lines += [one for extra in room.get("optional-dependencies", {}).values() for one in extra]
    ours = {room["name"] for room in ROOMS}
    return [one for one in map(Requirement, lines) if one.name not in ours]


@pytest.mark.parametrize("file", [*WHOLE, *IMAGES], ids=lambda path: path.name)
def test_each_version_is_exact_and_has_hashes(file: Path) -> None:
    found = entries(file)
    assert len(found) > 10
    for entry in found:
        (only,) = requirement(entry).specifier
        assert (only.operator, "*" in only.version) == ("==", False), entry
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("python", PYTHONS, ids=lambda one: one["python_version"])
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda one: one["sys_platform"])
def test_the_locks_satisfy_each_room(platform: dict[str, str], python: dict[str, str]) -> None:
    versions = pinned(platform | python)
    for one in wanted():
        assert one.specifier.contains(versions[canonicalize_name(one.name)]), one


def test_stolen_releases_are_refused() -> None:
    """Lightning 2.6.2 and 2.6.3 were published by a thief of credentials."""
    (lightning,) = (one for one in wanted() if one.name == "lightning")
    assert not {"2.6.2", "2.6.3"} & set(lightning.specifier.filter(["2.6.2", "2.6.3", "2.6.6"]))
    assert "2.6.6" in lightning.specifier


def test_an_image_installs_the_versions_and_hashes_of_the_whole() -> None:
    whole = {requirement(entry).name: set(entry.split("\n")) for entry in entries(*WHOLE)}
    assert len(IMAGES) == 5
    for entry in entries(*IMAGES):
        one = requirement(entry)
        hashes = {line for line in entry.split("\n") if "--hash" in line}
        assert {line.rstrip(" \\") for line in hashes} <= {
            line.rstrip(" \\") for line in whole[one.name]
        }, one.name


def test_torch_may_be_a_build_without_cuda() -> None:
    (torch,) = (entry for entry in entries(WHOLE[0]) if requirement(entry).name == "torch")
    (build,) = entries(REPOSITORY / "requirements-cpu.lock")
    assert str(requirement(build).specifier) == f"{requirement(torch).specifier}+cpu"
    hashes = re.findall(r"--hash=\S+", build)
    assert hashes
    assert all(one in torch for one in hashes)
    cuda = {requirement(entry).name for entry in entries(WHOLE[1])}
    assert {"nvidia-cublas", "triton"} <= cuda
    assert not cuda & {requirement(entry).name for entry in entries(WHOLE[0])}


def test_no_image_has_heics_library() -> None:
    """Its wheels carry x265 under GPL-2.0: docs/decisions/0013-heic.md."""
    for file in IMAGES:
        assert not re.search(r"^(pillow|pi)-heif", file.read_text(), re.MULTILINE), file


def test_the_newest_torch_changes_nothing_but_torch() -> None:
    """A job of CI tries it beside the very versions of the locks."""
    locked = {one.name: str(one.specifier) for one in map(requirement, entries(*WHOLE))}
    newest = [requirement(entry) for entry in entries(REPOSITORY / "requirements-torch.lock")]
    changed = {one.name for one in newest if locked.get(one.name) != str(one.specifier)}
    assert {"torch", "torchvision"} <= {one.name for one in newest}
    assert all(re.match(r"torch|nvidia|cuda|triton", name) for name in changed)
