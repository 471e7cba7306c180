"""``mycovigil``: one command; each installed room adds its own sub-commands.

Rooms register Typer apps in the entry-point group ``mycovigil.commands``.
"""

import os
import sys
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from mycovigil.commands.failure import sentence
from mycovigil.commands.lazy_group import LazyGroup
from mycovigil.stack_file import read

# Commands that start servers; the others use the stack that runs here.
OWN_SERVERS = {"up", "demo"}
app = typer.Typer(cls=LazyGroup, context_settings={"help_option_names": ["--help", "-h"]})


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mycovigil {version('mycovigil')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Classify mushroom photos, watch for drift, retrain."""
    if ctx.invoked_subcommand not in OWN_SERVERS:
        adopt_local_stack(Path(".mycovigil") / "stack.json", os.environ)


def main() -> None:
    """Run ``mycovigil COMMAND …``; a failure that a person can mend is one sentence."""
    arguments = sys.argv[1:] or ["--help"]
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="mycovigil", standalone_mode=False)
    except typer.TyperException as error:
        refused: Any = error  # typer's own classes; only they leave the parser
        _best_first(refused)
        refused.show()
        sys.exit(refused.exit_code)
    except typer.Abort:
        sys.exit("mycovigil: stopped")
    except Exception as error:
        name = next((word for word in arguments if not word.startswith("-")), "")
        said = sentence(error, name)
        if said is None:
            raise
        sys.exit(f"mycovigil {name}: {said}")
    sys.exit(code if isinstance(code, int) else 0)


def _best_first(refused: Any) -> None:
    """Suggest the nearest option first; typer would sort them by the alphabet."""
    if nearest := getattr(refused, "possibilities", None):
        refused.message += f". Did you mean {' or '.join(nearest)}?"
        refused.possibilities = None


def adopt_local_stack(file: Path, environment: MutableMapping[str, str]) -> None:
    """Let a command in another terminal work on the stack that runs here.

    Nothing changes where ``environment`` names a database, or no stack is alive.
    """
    if {"MYCOVIGIL_DATABASE_URL", "MYCOVIGIL_DATABASE_URL_FILE"} & set(environment):
        return
    stack = read(file)
    if stack is not None:
        environment.update(stack["environment"])


if __name__ == "__main__":
    main()
