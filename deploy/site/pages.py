"""Gather the pages of the site in one folder, and make every link lead to a page of it."""

import re
import shutil
from os.path import relpath
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
# Pages that lie beside what they describe, and where the site has them.
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "deploy/gcp/README.md": "how-to/google-cloud.md",
    "statistics/README.md": "reference/drift-test.md",
    "shared/src/mycovigil/vision/encoder/lite/MODEL_CARD.md": "results/lite.md",
    "shared/src/mycovigil/vision/encoder/mini/MODEL_CARD.md": "results/mini.md",
    "shared/src/mycovigil/models/demo/MODEL_CARD.md": "results/demo-model.md",
}
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)")
FENCE = re.compile(r"^(?P<mark>```|~~~).*?^(?P=mark)\s*?$", re.MULTILINE | re.DOTALL)


class BrokenLink(Exception):
    """A page links to something that is not in the repository."""


def gather(folder: Path) -> None:
    """Copy ``docs`` and the pages elsewhere into ``folder``, their links made to fit.

    Raises:
        BrokenLink: lists every link that leads nowhere.
    """
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("*.md", "*.yml"))
    broken: list[str] = []
    for source, page in homes().items():
        text = _with_links((REPOSITORY / source).read_text(encoding="utf-8"), source, broken)
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if broken:
        raise BrokenLink("\n".join(broken))


def homes() -> dict[str, str]:
    """The page of each Markdown file, by its path in the repository."""
    ours = {
        f"docs/{path.relative_to(DOCS)}": str(path.relative_to(DOCS)).replace("README", "index")
        for path in sorted(DOCS.rglob("*.md"))
    }
    return ours | ELSEWHERE


def _with_links(text: str, source: str, broken: list[str]) -> str:
    """``text`` of the file ``source`` with links from page to page; code blocks stay."""
    parts, end = [], 0
    for block in FENCE.finditer(text):
        parts += [_rewritten(text[end : block.start()], source, broken), block[0]]
        end = block.end()
    return "".join([*parts, _rewritten(text[end:], source, broken)])


def _rewritten(text: str, source: str, broken: list[str]) -> str:
    def rewrite(link: re.Match[str]) -> str:
        target, _, anchor = link["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        return _led(link, target, anchor)

    def _led(link: re.Match[str], target: str, anchor: str) -> str:
        path = (REPOSITORY / source).parent.joinpath(target).resolve()
        if not path.is_relative_to(REPOSITORY):
            broken.append(f"{source}: {link['target']} is outside of the repository")
            return link[0]
        named = str(path.relative_to(REPOSITORY))
        page = homes().get(named) or homes().get(f"{named}/README.md")
        if page is None and named.startswith(("docs/images/", "docs/reference/")):
            page = named.removeprefix("docs/")
        if page is not None:
            here = Path(homes()[source]).parent
            where = relpath(page, here) + (f"#{anchor}" if anchor else "")
            return f"{link['picture']}[{link['text']}]({where})"
        if path.exists():  # a file that is no page: its name
            name = f"`{named}`"
            return (
                name if link["text"].strip("`") in {target, named} else f"{link['text']} ({name})"
            )
        broken.append(f"{source}: {link['target']} is not there")
        return link[0]

    return LINK.sub(rewrite, text)
