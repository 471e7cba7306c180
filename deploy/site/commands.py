"""The reference of ``mycovigil``: each command, its arguments and options."""

from enum import Enum
from typing import Any, get_args

import typer

from mycovigil.cli import app


def page() -> str:
    """One page of all commands."""
    root: Any = typer.main.get_command(app)
    context = typer.Context(root, info_name="mycovigil")
    parts = [
        "# Commands\n\nWritten from the code by `make docs`; "
        "`mycovigil COMMAND --help` says the same.\n"
    ]
    for name in sorted(root.commands):
        _, command, _ = root.resolve_command(context, [name])
        command.help = command.help or root.commands[name].help
        parts += described(f"mycovigil {name}", command, context)
    return "\n".join(parts)


def described(path: str, command: Any, parent: Any, depth: int = 2) -> list[str]:
    """A command, and those below it."""
    context = typer.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    text = (command.help or "").replace("\f", "").strip()
    parts = [f"{'#' * depth} `{path}`\n\n{text}\n"]
    parameters = [one for one in command.get_params(context) if one.name not in {"help"}]
    if rows := [row(one) for one in parameters if not getattr(one, "hidden", False)]:
        parts.append("| | meaning | default |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    for name, below in getattr(command, "commands", {}).items():
        parts += described(f"{path} {name}", below, context, depth + 1)
    return parts


def row(parameter: Any) -> str:
    words = [*parameter.opts, *parameter.secondary_opts]
    name = parameter.metavar or parameter.name if parameter.param_type_name == "argument" else None
    shown = f"`{name.upper()}`" if name else ", ".join(f"`{one}`" for one in words)
    if parameter.required:
        shown += " (needed)"
    help_text = (getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
    if choices := values(parameter.type_descriptor.annotation):
        help_text += f" One of {', '.join(f'`{one}`' for one in choices)}."
    default = parameter.default
    plain = (
        default not in (None, "", [], ())
        and not callable(default)
        and not isinstance(default, bool)
    )
    return f"| {shown} | {help_text.strip()} | {f'`{default}`' if plain else ''} |"


def values(annotation: Any) -> list[str]:
    """What an option of an enumeration, or of a list of one, may be."""
    kinds = [annotation, *get_args(annotation)]
    return [
        str(one.value)
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, Enum)
        for one in kind
    ]
