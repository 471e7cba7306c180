"""Check the built site: every link leads to a page and an anchor that are there, nothing is loaded
from elsewhere, no page is unreachable, and no cross-reference stayed unresolved."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}
# <link> that names something without loading it.
NAMED = {"canonical", "next", "prev", "alternate"}
# Markdown that the builder left as it was: a reference without a target.
UNRESOLVED = re.compile(r"\]\[[\w.-]*\]|\]\((?:\.{0,2}/)?[\w./-]+\.md")


@dataclass
class Page(HTMLParser):
    """What a page links to, loads, and can be linked by."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    _silent: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self._silent += tag in {"script", "style", "code", "pre"}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        named = tag == "link" and given.get("rel") in NAMED
        self.loads += [
            value for name, value in given.items() if (tag, name) in LOADED and not named
        ]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style", "code", "pre"}

    def handle_data(self, data: str) -> None:
        if self._silent <= 0:
            self.text.append(data)


@dataclass
class Checked:
    pages: int
    links: int
    troubles: list[str]


def check(site: Path) -> Checked:
    """Check the folder of the built site."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    troubles: list[str] = []
    reached: set[Path] = {site / "index.html", site / "404.html"}
    checked = 0
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in [*page.links, *page.loads]:
            checked += 1
            if trouble := missing(address, path, site, pages, loaded=address in page.loads):
                troubles.append(f"{name}: {trouble}")
            elif target := target_of(address, path, site):
                reached |= {target} if target != path else set()
        if found := UNRESOLVED.search(" ".join(page.text)):
            troubles.append(f"{name}: not resolved: {found[0]}")
    troubles += [
        f"{path.relative_to(site)}: no page links to it" for path in pages if path not in reached
    ]
    return Checked(len(pages), checked, troubles)


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def target_of(address: str, path: Path, site: Path) -> Path | None:
    """The file that an address of the site leads to; none for other sites."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return path
    base = site if parts.path.startswith("/") else path.parent
    target = (base / unquote(parts.path).lstrip("/")).resolve()
    return target / "index.html" if target.is_dir() else target


def missing(
    address: str, path: Path, site: Path, pages: dict[Path, Page], *, loaded: bool
) -> str | None:
    """What is wrong with an address; none if nothing is."""
    target = target_of(address, path, site)
    if target is None:
        outside = loaded and not address.startswith("data:")
        return f"loads {address} from elsewhere" if outside else None
    if not target.is_file():
        return f"{address} is not there"
    anchor = unquote(urlsplit(address).fragment)
    if anchor and target in pages and anchor not in pages[target].anchors | {"__tabbed", "top"}:
        return f"{address}: the page has no such heading"
    return None
