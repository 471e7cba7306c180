"""Search the head's settings by FungiCLEF's cost, out of fold; a killed search goes on."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mycovigil.commands.failure import explained
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging

app = typer.Typer(add_completion=False, help=__doc__)
SHOWN = 5


@app.command()
def sweep(
    folder: Annotated[Path, typer.Argument(help="A curated folder.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials, those of earlier runs counted.")] = 30,
    storage: Annotated[
        Path | None, typer.Option(help="SQLite file of all trials; default: beside the data set.")
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="What is tried, as conf/sweep.yaml of the package.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write the history as an HTML page.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Hydra overrides of every trial.")
    ] = None,
) -> None:
    """Try settings, keep every trial, print the best."""
    from mycovigil_training.configuration import compose
    from mycovigil_training.evaluate.evaluation import read_photos
    from mycovigil_training.features.engine import Engine
    from mycovigil_training.sweep.search import open_study, search
    from mycovigil_training.sweep.space import read_space

    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    home = storage or settings.training.dataset.parent / "sweep.db"
    base = list(overrides or [])
    try:
        tried = read_space(space or Path(str(files("mycovigil_training.conf") / "sweep.yaml")))
        config = compose(base)
        photos = read_photos(folder, Engine(settings.encoder.uri), config)
        study = open_study(home, photos.content_hash[:16], config.seed)
        search(study, photos, tried, trials=trials, base=base, seed=config.seed)
        if plot:
            import optuna

            optuna.visualization.plot_optimization_history(study).write_html(plot)
    except (ValueError, OSError) as error:
        sys.exit(f"mycovigil sweep: {explained(error)}")
    table = Table("cost", "settings", title=f"{len(study.trials)} trials in {home}")
    ended = [(one.value, one.params) for one in study.trials if one.value is not None]
    for cost, params in sorted(ended, key=lambda one: one[0])[:SHOWN]:
        table.add_row(f"{cost:.3f}", " ".join(f"{key}={value}" for key, value in params.items()))
    Console().print(table)
