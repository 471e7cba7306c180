"""Write a folder of simulated mushroom photos with known truth."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write simulated mushroom photos with known truth.")


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Where to write Classes/<class>/<species>/.")],
    per_species: Annotated[int, typer.Option(min=1, help="Photos of each species.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same photos.")] = 1,
    size: Annotated[int, typer.Option(min=16, help="Width and height in pixels.")] = 128,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Write a labelled folder of simulated photos in the layout of the Kaggle set."""
    from mycovigil_simulator.dataset import write

    count = write(folder, per_species=per_species, seed=seed, size=size, workers=workers)
    typer.echo(f"{count} simulated photos in {folder / 'Classes'}")
