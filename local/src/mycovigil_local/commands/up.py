"""Start everything on this machine: servers, services, worker; Ctrl-C stops it."""

from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mycovigil.stack_file import AlreadyRunning
from mycovigil_local.announcement import announcement
from mycovigil_local.merged_log import MergedLog
from mycovigil_local.port import PortTaken
from mycovigil_local.process import ChildFailed
from mycovigil_local.stack import end_as_ctrl_c_does, running

app = typer.Typer(add_completion=False)
# Columns of the names in the announcement.
WIDTH = 14


@app.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="Where servers keep their data.")] = Path(
        ".mycovigil"
    ),
    predictor_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    drift_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log here too.")] = False,
) -> None:
    """Start everything on this machine and print the addresses."""
    console = Console(highlight=False)
    end_as_ctrl_c_does()
    log, ports = data_dir / "stack.log", (predictor_port, drift_port)
    try:
        with MergedLog(log, console if verbose else None) as merged, ExitStack() as exits:
            with nullcontext() if verbose else console.status("Mycovigil starts …"):
                stack = exits.enter_context(running(data_dir, merged.line, ports=ports))
            console.print("[bold]Mycovigil is up.[/bold]")
            for name, value in announcement(stack, log):
                console.print(f"  {name:<{WIDTH}}[bold]{value}[/bold]", soft_wrap=True)
            merged.notices = console
            stack.watch()
    except KeyboardInterrupt:
        console.print("everything is stopped")
    except (AlreadyRunning, PortTaken) as error:
        console.print(f"mycovigil up: {error}; stop it, or give another --data-dir or port")
        raise typer.Exit(1) from error
    except ChildFailed as error:
        console.print(f"mycovigil up: {error}\nThe whole log is in {log}.", markup=False)
        raise typer.Exit(1) from error
