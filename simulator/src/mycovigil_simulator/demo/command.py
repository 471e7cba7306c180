"""The whole story in about a minute: train, seven nights, drift, alerts, retraining, proof."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mycovigil.stack_file import AlreadyRunning

app = typer.Typer(add_completion=False)
PERIOD_SECONDS = 5.0


@app.command()
def demo(
    photos: Annotated[
        Path | None, typer.Option(help="Real photos instead of simulated ones.", exists=True)
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything for machines.")
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="Emptied first.")] = Path(".mycovigil/demo"),
    period: Annotated[float, typer.Option(help="Seconds of a night.", min=2)] = PERIOD_SECONDS,
    keep: Annotated[bool, typer.Option(help="Stay up afterwards, until Ctrl-C.")] = False,
) -> None:
    """Show the whole loop on a real stack; exit 1 if it does not close."""
    try:
        from mycovigil_local.process import ChildFailed
        from mycovigil_local.stack import end_as_ctrl_c_does
        from mycovigil_simulator.demo.demonstration import Demonstration
        from mycovigil_simulator.demo.play import TrainingFailed
    except ModuleNotFoundError as missing:
        sys.exit(
            f"mycovigil demo: {missing.name} is not installed; "
            "install the demo by: pip install 'mycovigil-simulator[demo]'"
        )
    end_as_ctrl_c_does()
    try:
        closed = Demonstration(photos, data_dir, period, keep).run(json_file)
    except (AlreadyRunning, ChildFailed, TrainingFailed, OSError, ValueError) as error:
        sys.exit(f"mycovigil demo: {error}")
    raise typer.Exit(0 if closed else 1)
