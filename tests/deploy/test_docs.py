"""The documentation: every alert has a runbook, and the check of the built site finds trouble."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from mycovigil.settings import variables
from mycovigil.settings.environment import FOREIGN
from mycovigil.settings.settings import secret_files

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = ("deploy/prometheus/rules.yml", "deploy/gcp/rules.yml")
RUNBOOKS = "docs/runbooks/README.md"
SETTING = re.compile(r"MYCOVIGIL_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_*])")
# A secret of the repository, which workflows read.
OF_WORKFLOWS = {"MYCOVIGIL_KEY"}


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    yield from tool("links", monkeypatch)


@pytest.fixture
def c4(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    yield from tool("c4", monkeypatch)


def tool(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of ``deploy/site``, which is no package."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "deploy" / "site"))
    yield importlib.import_module(name)
    sys.modules.pop(name)


def alerts() -> dict[str, dict[str, str]]:
    """The annotations of each rule."""
    return {
        rule["alert"]: rule["annotations"]
        for file in RULES
        for group in yaml.safe_load((REPOSITORY / file).read_text())["groups"]
        for rule in group["rules"]
    }


def test_every_alert_has_a_runbook_and_links_to_it() -> None:
    headings = re.findall(r"^### (\w+)$", (REPOSITORY / RUNBOOKS).read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())
    for name, annotations in alerts().items():
        assert annotations["runbook"] == f"{RUNBOOKS}#{name.lower()}"


def test_every_runbook_says_what_to_do() -> None:
    sections = re.split(r"^### ", (REPOSITORY / RUNBOOKS).read_text(), flags=re.MULTILINE)[1:]
    assert sections
    assert not [
        one.split()[0] for one in sections if "**Says:**" not in one or "**Do:**" not in one
    ]


def test_the_navigation_names_every_page() -> None:
    def pages(below: object) -> Iterator[str]:
        if isinstance(below, str):
            yield below
        elif isinstance(below, list):
            for one in below:
                yield from pages(one)
        elif isinstance(below, dict):
            yield from pages(list(below.values()))

    configuration = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())
    named = set(pages(configuration["nav"]))
    docs = REPOSITORY / "docs"
    written = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    assert {one.replace("README", "index") for one in written} <= named


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ('<a href="gone.html">x</a>', "gone.html is not there"),
        ('<a href="other.html#gone">x</a>', "the page has no such heading"),
        ('<a href="#gone">x</a>', "the page has no such heading"),
        ('<script src="https://cdn.example/x.js"></script>', "from elsewhere"),
        ("<p>see [the gate][gate]</p>", "not resolved"),
        ("<p>see [the gate](gate.md)</p>", "not resolved"),
    ],
)
def test_trouble_in_the_built_site_is_found(
    tmp_path: Path, links: ModuleType, body: str, trouble: str
) -> None:
    sound = '<a href="other.html#there">x</a><code>a[0][1]</code>'
    (tmp_path / "index.html").write_text(sound)
    (tmp_path / "other.html").write_text(
        '<h2 id="there">There</h2><a href="https://x.example">y</a>'
    )
    checked = links.check(tmp_path)
    assert (checked.pages, checked.links, checked.troubles) == (2, 2, [])
    (tmp_path / "index.html").write_text(sound + body)
    troubles = links.check(tmp_path).troubles
    assert len(troubles) == 1
    assert trouble in troubles[0]


def test_a_page_that_nothing_links_to_is_found(tmp_path: Path, links: ModuleType) -> None:
    for name in ("index", "lost"):
        (tmp_path / f"{name}.html").write_text("")
    assert links.check(tmp_path).troubles == ["lost.html: no page links to it"]


def test_the_drawn_containers_are_the_services_of_compose(c4: ModuleType) -> None:
    drawn = yaml.safe_load(c4.SOURCE.read_text())["containers"]["boxes"]
    containers = {name for name, box in drawn.items() if box["kind"] != "person"}
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    assert containers == set(compose["services"])


def test_the_pictures_are_those_of_the_source(c4: ModuleType) -> None:
    for name, text in c4.drawings().items():
        picture = (REPOSITORY / "docs" / "images" / name).read_text()
        assert picture == text, "run: python deploy/site/c4.py"


def unknown_settings(text: str) -> set[str]:
    """Variables with our prefix that no setting reads; one that ends in ``_*`` names several."""
    known = {*variables(), *secret_files(), *FOREIGN, *OF_WORKFLOWS}
    return set(SETTING.findall(text)) - known


def test_every_setting_that_a_page_names_is_there() -> None:
    rooms = [one for one in REPOSITORY.iterdir() if one.name[0] != "." and one.name != "build"]
    pages = [page for room in rooms if room.is_dir() for page in room.rglob("*.md")]
    pages += REPOSITORY.glob("*.md")
    assert len(pages) > 50
    found = {path.name: unknown_settings(path.read_text()) for path in pages}
    assert not {name: names for name, names in found.items() if names}


def test_a_setting_that_is_not_there_is_found() -> None:
    text = "`MYCOVIGIL_DATABASE_URI=x`, MYCOVIGIL_DATABASE_URL_FILE, the MYCOVIGIL_VERTEX_* ones"
    assert unknown_settings(text) == {"MYCOVIGIL_DATABASE_URI"}
