"""Each Dockerfile copies and installs every room of ours that its room needs."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKERFILES = sorted(REPOSITORY.glob("**/Dockerfile"))
ROOMS = {
    tomllib.loads(path.read_text())["project"]["name"]: path.parent
    for path in REPOSITORY.glob("**/pyproject.toml")
    if "project" in tomllib.loads(path.read_text()) and ".venv" not in path.parts
}


def needed(room: str) -> set[str]:
    """The room and all rooms of ours that it requires, near and far."""
    project = tomllib.loads((ROOMS[room] / "pyproject.toml").read_text())["project"]
    names = {Requirement(line).name for line in project["dependencies"]} & set(ROOMS)
    return {room}.union(*(needed(name) for name in names))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_holds_its_room_and_what_that_needs(dockerfile: Path) -> None:
    text = dockerfile.read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) \1$", text, re.MULTILINE))
    installed = {name.strip("./") for name in re.findall(r"\./[\w/]+", text)}
    room = next(name for name, folder in ROOMS.items() if folder == dockerfile.parent)
    folders = {str(ROOMS[name].relative_to(REPOSITORY)) for name in needed(room)}
    assert folders <= installed <= copied


def test_no_image_runs_as_root() -> None:
    assert len(DOCKERFILES) == 4
    for dockerfile in DOCKERFILES:
        assert "\nUSER mycovigil\n" in dockerfile.read_text()


def test_the_builder_is_sent_what_the_images_copy() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    for dockerfile in DOCKERFILES:
        for words in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text(), re.MULTILINE):
            for source in words.split():
                folders = [source, *map(str, Path(source).parents)]
                assert sent & set(folders), f"{dockerfile}: {source}"
