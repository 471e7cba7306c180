"""What a release holds, in ``build/release``: ``make changelog`` and ``make openapi``.

``release.py changelog v0.2.0`` writes ``notes.md``: that version's section of ``CHANGELOG.md``. It
refuses a tag that is no version, that has no section, or that the distributions do not have.
``release.py openapi`` writes the OpenAPI document of each service, validated.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = ROOT / "build" / "release"


def changelog(tag: str, root: Path = ROOT) -> str:
    """The section of the version that the tag names.

    Raises:
        SystemExit: the tag and the sources disagree; in one sentence.
    """
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        sys.exit(f"release: '{tag}' is no tag of a version: TAG=v1.2.3")
    wanted = tag.removeprefix("v")
    project = tomllib.loads((root / "shared" / "pyproject.toml").read_text())["project"]
    if project["version"] != wanted:
        sys.exit(f"release: the tag is {tag}, shared/pyproject.toml says {project['version']}")
    text = (root / "CHANGELOG.md").read_text()
    section = re.search(
        rf"^## \[?{re.escape(wanted)}\]?[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if section is None or not section[1].strip():
        sys.exit(f"release: CHANGELOG.md has no section '## {wanted}'")
    return section[1].strip() + "\n"


def openapi() -> dict[str, str]:
    """The document of each service, by its name."""
    from openapi_spec_validator import validate

    import mycovigil_drift.app
    import mycovigil_predictor.app
    from mycovigil.settings import Settings

    documents = {}
    for name, module in {
        "predictor": mycovigil_predictor.app,
        "drift": mycovigil_drift.app,
    }.items():
        document = module.create_app(Settings()).openapi()
        validate(document)
        documents[name] = json.dumps(document, indent=2, sort_keys=True) + "\n"
    return documents


def main() -> None:
    """The command line."""
    RELEASE.mkdir(parents=True, exist_ok=True)
    match sys.argv[1:]:
        case ["changelog", tag]:
            (RELEASE / "notes.md").write_text(changelog(tag))
            print(f"build/release/notes.md: what changed in {tag}")
        case ["openapi"]:
            for name, text in openapi().items():
                (RELEASE / f"openapi-{name}.json").write_text(text)
                print(f"build/release/openapi-{name}.json: {len(json.loads(text)['paths'])} paths")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
