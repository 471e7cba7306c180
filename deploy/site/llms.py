"""``llms.txt`` (llmstxt.org): the pages of the site as Markdown, with an index that names them."""

import shutil
from pathlib import Path
from typing import Any

import yaml

INDEX = Path(__file__).resolve().parents[2] / "mkdocs.yml"
ABOUT = (
    "Mycovigil classifies mushroom photos into four safety classes, compares each night's photos "
    "with accepted days, raises alerts, retrains, and promotes a model only through a gate."
)


def write(pages: Path, site: Path) -> None:
    """Copy each page's Markdown beside its HTML, and write the index in the site's order."""
    navigation = yaml.safe_load(INDEX.read_text(encoding="utf-8"))["nav"]
    lines = ["# Mycovigil", "", f"> {ABOUT}", ""]
    for section in navigation:
        for title, below in section.items():
            lines += [f"## {title}", "", *entries(below, pages), ""]
    (site / "llms.txt").write_text("\n".join(lines), encoding="utf-8")
    for page in pages.rglob("*.md"):
        shutil.copy(page, site / page.relative_to(pages))


def entries(below: Any, pages: Path) -> list[str]:
    if isinstance(below, str):
        text = (pages / below).read_text(encoding="utf-8")
        title = text.partition("\n")[0].lstrip("# ")
        return [f"- [{title}]({below}): {first_sentence(text)}"]
    nested = [one if isinstance(one, str) else next(iter(one.values())) for one in below]
    return [line for one in nested for line in entries(one, pages)]


def first_sentence(text: str) -> str:
    """Of the first paragraph that is prose."""
    for paragraph in text.split("\n\n")[1:]:
        if paragraph.strip() and paragraph.lstrip()[0] not in "#|!`<>-":
            return " ".join(paragraph.split()).partition(". ")[0].rstrip(".") + "."
    return ""
