"""Build the documentation: ``make docs``.

Gathers the pages, writes the reference from the code, lets Zensical build strictly, checks every
link of what it built, and ends with a line that counts pages and links.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import events
import http_api
import links
import llms
import pages
import python_api
import tables

PAGES = pages.REPOSITORY / "build" / "docs" / "pages"
SITE = pages.REPOSITORY / "build" / "docs" / "site"
REFERENCE = {
    "commands": commands.page,
    "events": events.page,
    "http-api": http_api.page,
    "python-api": python_api.page,
    "tables": tables.page,
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zensical", type=Path, required=True)
    zensical = parser.parse_args().zensical
    for folder in (PAGES, SITE, pages.REPOSITORY / ".cache"):  # the cache forgets cross-references
        shutil.rmtree(folder, ignore_errors=True)
    try:
        pages.gather(PAGES)
    except pages.BrokenLink as broken:
        sys.exit(f"docs: links that lead nowhere:\n{broken}")
    write_reference()
    build(zensical)
    llms.write(PAGES, SITE)
    checked = links.check(SITE)
    for trouble in checked.troubles:
        print(trouble)
    failed = f"; {len(checked.troubles)} TROUBLES" if checked.troubles else ""
    print(f"docs: {checked.pages} pages built, {checked.links} links and loads checked{failed}")
    sys.exit(bool(checked.troubles))


def write_reference() -> None:
    folder = PAGES / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in REFERENCE.items():
        (folder / f"{name}.md").write_text(page(), encoding="utf-8")


def build(zensical: Path) -> None:
    command = [str(zensical.absolute()), "build", "--strict", "--clean"]
    done = subprocess.run(
        command, cwd=pages.REPOSITORY, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        sys.exit(f"docs: Zensical refuses\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
