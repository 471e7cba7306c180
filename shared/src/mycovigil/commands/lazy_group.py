"""A Typer group whose commands are entry points; each is imported when it runs."""

import ast
import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GROUP = "mycovigil.commands"
# The distribution of each command, named where an installation lacks it.
DISTRIBUTIONS = {
    "dataset": "mycovigil-training",
    "demo": "mycovigil-simulator",
    "doctor": "mycovigil-local",
    "drift": "mycovigil-worker",
    "encoder": "mycovigil-training",
    "evaluate": "mycovigil-training",
    "answers": "mycovigil",
    "finetune": "mycovigil-training",
    "keys": "mycovigil",
    "migrate": "mycovigil",
    "models": "mycovigil",
    "reference": "mycovigil-worker",
    "send": "mycovigil-local",
    "settings": "mycovigil",
    "simulate": "mycovigil-simulator",
    "sweep": "mycovigil-training",
    "train": "mycovigil-training",
    "up": "mycovigil-local",
}
COMPLETION = {"install_completion", "show_completion"}


class LazyGroup(TyperGroup):
    """Help lists a stand-in of each command, whose text is its module's docstring, read without
    importing the module."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._points = {point.name: point for point in entry_points(group=GROUP)}
        for name in sorted(self._points):
            self.add_command(TyperCommand(name, help=_summary(self._points[name])))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that ``args`` name, imported.

        Raises:
            TyperException: there is none (with the nearest names), or its package is missing.
        """
        name = args[0]
        if name in DISTRIBUTIONS and name not in self._points:
            package = DISTRIBUTIONS[name]
            ctx.fail(
                f"{name!r} is a command of {package}, which is not installed: pip install {package}"
            )
        found, _, rest = super().resolve_command(ctx, args)
        return found, self._loaded(found) if found else None, rest

    def _loaded(self, name: str) -> Any:
        command = typer.main.get_command(self._points[name].load())
        command.params = [one for one in command.params if one.name not in COMPLETION]
        return command


def _summary(point: EntryPoint) -> str:
    """The first line of the docstring of the command's module; empty where it is not there."""
    try:
        spec = importlib.util.find_spec(point.module)
    except ModuleNotFoundError:  # a package around it is not there
        spec = None
    if spec is None or spec.origin is None:
        return ""
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    return (text or "").split("\n")[0]
