"""Rooms that a stranger can enter: few files a folder, none too long, names that say what is in."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for room in ("shared", "web", "client", "local", "statistics", "training", "simulator")
    for path in (REPOSITORY / room / "src").rglob("*.py")
) + sorted((REPOSITORY / "services").rglob("src/**/*.py"))
MOST_FILES = 15
MOST_LINES = 300
MOST_TEST_LINES = 450
BANNED = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc"}
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
GUIDES = (
    *("CONTRIBUTING.md", "NOTICE", "CODEOWNERS", "docs/seed.md"),
    *(
        str(page.relative_to(REPOSITORY))
        for page in sorted((REPOSITORY / "docs").glob("[ehrt]*/*.md"))
    ),
)


def test_no_room_holds_more_files_than_one_can_survey() -> None:
    rooms = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    crowded = {str(room.relative_to(REPOSITORY)): n for room, n in rooms.items() if n > MOST_FILES}
    assert rooms
    assert not crowded


def test_no_file_is_too_long_to_read_at_once() -> None:
    studies = sorted((REPOSITORY / "benchmarks").rglob("*.py"))
    lengths = {path: path.read_text().count("\n") for path in SOURCES + studies}
    assert studies
    assert not {str(path): lines for path, lines in lengths.items() if lines > MOST_LINES}


def test_no_file_of_tests_is_much_longer() -> None:
    lengths = {path: path.read_text().count("\n") for path in (REPOSITORY / "tests").rglob("*.py")}
    assert not {str(path): lines for path, lines in lengths.items() if lines > MOST_TEST_LINES}


def test_names_say_what_a_file_holds() -> None:
    names = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    assert not names & BANNED


def test_no_module_shadows_the_standard_library() -> None:
    names = {path.stem for path in SOURCES} - {"__init__", "__main__"}
    assert not names & sys.stdlib_module_names


@pytest.mark.parametrize("guide", GUIDES)
def test_paths_that_a_guide_names_exist(guide: str) -> None:
    named = PATH.findall((REPOSITORY / guide).read_text())
    ours = [one for one in named if not one.startswith(".")]
    gone = [one for one in ours if not any(REPOSITORY.glob(one.rstrip("/")))]
    assert not gone
