"""Fine-tune an image tower and a classifier on a curated folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def finetune(
    folder: Annotated[Path, typer.Argument(help="A folder of `mycovigil dataset curate`.")],
    out: Annotated[Path, typer.Option(help="Where tower, record and checkpoints go.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Hydra overrides: epochs=5 +experiment=species imbalance=adjusted"),
    ] = None,
) -> None:
    """Linear probe, then tower and classifier together; a second call with OUT goes on.

    `mycovigil encoder export OUT/tower.safetensors` makes the tower an encoder.
    """
    from mycovigil_training.finetune.config import compose
    from mycovigil_training.finetune.recipe import TOWER_FILE
    from mycovigil_training.finetune.recipe import finetune as run

    try:
        record = run(folder, out, compose(overrides or ()))
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"mycovigil finetune: {error}")
    typer.echo(
        f"{out / TOWER_FILE}: {len(record.epochs)} epochs, "
        f"poison-weighted cost {record.best_cost:.3f} on {record.photos['validation']} photos"
    )
