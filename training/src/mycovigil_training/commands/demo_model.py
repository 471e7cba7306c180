"""Make the demo model that Mycovigil is packaged with."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mycovigil.models.demo import registration
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging


def demo_model(
    target: Annotated[
        Path, typer.Option("--to", help="Folder of the two files.")
    ] = registration.FOLDER,
    per_species: Annotated[
        int, typer.Option(min=10, help="Simulated photos of each species.")
    ] = 120,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw photos.")] = 2,
) -> None:
    """Train the demo model on simulated photos and write it with its reference set."""
    configure_logging(Settings.load().telemetry, service="training")
    from mycovigil_training.register.demo_model import make

    try:
        made = make(target, per_species=per_species, workers=workers)
    except (ValueError, OSError) as error:
        sys.exit(f"demo-model: {error}")
    metrics = made.bundle.meta.metrics
    typer.echo(f"macro recall {metrics['macro_recall']:.3f} on {metrics['photos']} drawn photos")
    for file in made.files:
        typer.echo(f"{file}  {file.stat().st_size:,} bytes")
