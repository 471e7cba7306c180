"""Print every environment variable with its default and meaning."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr

from mycovigil.settings import secret_files, variables

app = typer.Typer(add_completion=False)
HEAD = """# Configuration

Written by `mycovigil settings`. Every setting is an environment variable; unknown `MYCOVIGIL_`
variables stop a service at its start, except those that Kubernetes makes for services. Items of a
list are separated by commas (or JSON). `PUBSUB_EMULATOR_HOST` is Google's own and leads the
publisher to an emulator. Tests find real photos by `MYCOVIGIL_PHOTOS`.

Secrets may come from files: {files} name one each, instead of the variable without `_FILE`. Both at
once, or a file that cannot be read, stop a service at its start.

| variable | default | meaning |
|---|---|---|
"""


@app.command()
def settings() -> None:
    """Print the configuration table as Markdown."""
    typer.echo(markdown(), nl=False)


def markdown() -> str:
    """The content of ``docs/configuration.md``."""
    rows = [
        f"| `{name}` | `{_shown(default)}` | {description} |"
        for name, (description, default) in variables().items()
    ]
    files = " and ".join(f"`{name}`" for name in secret_files())
    return HEAD.format(files=files) + "\n".join(rows) + "\n"


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, Path | str | Enum):
        return str(default)
    return json.dumps(default)
