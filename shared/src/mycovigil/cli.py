"""``mycovigil``: one command; every installed room adds its own sub-commands.

Rooms register typer apps in the entry-point group ``mycovigil.commands``. An app is imported
when it is called, so that ``mycovigil --help`` never imports torch.
"""

import difflib
import importlib
import sys
from importlib.metadata import EntryPoint, entry_points

from rich.console import Console

GROUP = "mycovigil.commands"
HELP = {"-h", "--help", "help"}


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
    points[name].load()(args=rest, prog_name=f"mycovigil {name}")


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
