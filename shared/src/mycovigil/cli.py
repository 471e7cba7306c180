"""``mycovigil``: one command; every installed room adds its own sub-commands.

Rooms register typer apps in the entry-point group ``mycovigil.commands``. An app is imported
when it is called, so that ``mycovigil --help`` never imports torch.
"""

import difflib
import importlib
import os
import sys
from collections.abc import MutableMapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from rich.console import Console

from mycovigil.stack_file import read

GROUP = "mycovigil.commands"
HELP = {"-h", "--help", "help"}
OWN_SERVERS = {"up", "demo"}
"""Commands that start servers instead of finding them."""


def main() -> None:
    """Run ``mycovigil COMMAND …``."""
    name, *rest = sys.argv[1:] or ["--help"]
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name in HELP:
        _show_help(points)
        return
    if name not in points:
        close = difflib.get_close_matches(name, points, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        sys.exit(f"mycovigil: no command {name!r}{hint} (mycovigil --help lists them)")
    if name not in OWN_SERVERS:
        adopt_local_stack(Path(".mycovigil") / "stack.json", os.environ)
    _run(points[name], name, rest)


def _run(point: EntryPoint, name: str, arguments: list[str]) -> None:
    """A database that is away is told in one line: it needs no traceback."""
    command = point.load()
    from sqlalchemy.exc import OperationalError

    try:
        command(args=arguments, prog_name=f"mycovigil {name}")
    except OperationalError as error:
        said = str(error.orig).strip().splitlines()[0]
        sys.exit(
            f"mycovigil {name}: the database does not answer ({said}). Start 'mycovigil up' here, "
            "or set MYCOVIGIL_DATABASE_URL."
        )


def adopt_local_stack(file: Path, environment: MutableMapping[str, str]) -> None:
    """Let a command in another terminal work on the stack that runs here.

    Nothing happens where a database is named already, or no stack is alive.
    """
    if "MYCOVIGIL_DATABASE_URL" in environment:
        return
    beacon = read(file)
    if beacon is not None:
        environment.update(beacon["environment"])


def _show_help(points: dict[str, EntryPoint]) -> None:
    console = Console(highlight=False)
    console.print("usage: mycovigil COMMAND [--help] …\n")
    for name, point in sorted(points.items()):
        console.print(f"  [bold]{name:<10}[/bold] {_summary(point)}")


def _summary(point: EntryPoint) -> str:
    """The first line of the command module's docstring."""
    return (importlib.import_module(point.module).__doc__ or "").strip().split("\n")[0]


if __name__ == "__main__":
    main()
