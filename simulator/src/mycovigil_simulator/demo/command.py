"""The whole story in about a minute: train, seven nights, drift, alerts, retraining, proof."""

from pathlib import Path
from typing import Annotated

import typer

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
    """Tell the story on a real stack; exit 1 if the loop does not close."""
    from mycovigil_local.stack import end_as_ctrl_c_does
    from mycovigil_simulator.demo.tell import Teller

    end_as_ctrl_c_does()
    teller = Teller(photos, data_dir, period, keep)
    raise typer.Exit(0 if teller.tell(json_file) else 1)
