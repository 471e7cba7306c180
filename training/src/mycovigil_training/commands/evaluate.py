"""Judge recipes on a folder of photos, beside chance and baselines; needs no database."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mycovigil.commands.failure import explained
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging

app = typer.Typer(add_completion=False, help=__doc__)

Folder = Annotated[
    Path,
    typer.Argument(help="Photos, curated or not (then a copy is curated)."),
]


@app.command()
def evaluate(  # noqa: PLR0917  typer reads options by position or name alike
    folder: Folder,
    output: Annotated[Path | None, typer.Option("--json", help="Write every figure here.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write the leading figures here, for dvc metrics diff.")
    ] = None,
    other: Annotated[
        Path | None, typer.Option(help="Photos of somebody else: learned from, and judged on.")
    ] = None,
    without: Annotated[
        Path | None, typer.Option(help="Photos without a mushroom, to be told apart.")
    ] = None,
    encoder: Annotated[
        str, typer.Option(help="A packaged encoder or a folder; default: MYCOVIGIL_ENCODER_URI.")
    ] = "",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Hydra overrides: head.epochs=50 …")
    ] = None,
) -> None:
    """Judge every recipe out of fold: 5 folds over specimens, then over species."""
    from mycovigil_training.configuration import compose
    from mycovigil_training.evaluate.evaluation import evaluate_folder
    from mycovigil_training.evaluate.leading import leading

    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    try:
        config = compose(overrides or [])
        with tempfile.TemporaryDirectory(prefix="mycovigil-evaluate-") as scratch:
            figures = evaluate_folder(
                _curated(folder, Path(scratch, "own")),
                _curated(other, Path(scratch, "other")) if other else None,
                encoder or settings.encoder.uri,
                config,
                without=_curated(without, Path(scratch, "without")) if without else None,
            )
        if output:
            _write(output, figures)
        if summary:
            _write(summary, leading(figures))
    except (ValueError, OSError) as error:
        sys.exit(f"mycovigil evaluate: {explained(error)}")
    _show(figures)


def _write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")  # a full disk leaves no half of a file
    part.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _curated(folder: Path, scratch: Path) -> Path:
    """The folder, or a curated copy that is thrown away at the end."""
    from mycovigil_training.dataset import curated
    from mycovigil_training.dataset.curation import curate

    if curated.is_curated(folder):
        return folder
    curate(folder, scratch)
    return scratch


def _show(figures: dict[str, Any]) -> None:
    console = Console()
    for title, models in (
        ("out of fold, by specimen", figures["models"]),
        ("out of fold, by species", figures["species_left_out"]),
        ("learned from the other's photos", figures["from_other"]),
        ("judged on the other's photos", figures["to_other"]),
    ):
        if models:
            console.print(_table(title, models))
    if figures["not_mushroom"]:
        found = figures["not_mushroom"]
        console.print(
            f"mushroom or not, AUROC: {found['probe_auroc']:.3f} by a probe, "
            f"{found['distance_auroc']:.3f} by the distance to known photos",
            highlight=False,
        )
    console.print(
        f"encoder {figures['encoder']}; chance is {figures['chance']:.2f}", highlight=False
    )


def _table(title: str, models: dict[str, Any]) -> Table:
    table = Table(
        *("recipe", "macro recall", "95%", "deadly recall", "harmful AUROC", "poison cost", "ECE"),
        title=title,
        title_justify="left",
    )
    for name, found in models.items():
        deadly = found["recall"].get("deadly", {}).get("estimate")
        auroc = found["harmful_auroc"]
        table.add_row(
            name,
            f"{found['macro_recall']:.3f}",
            f"{found['macro_recall_low']:.3f} to {found['macro_recall_high']:.3f}",
            "" if deadly is None else f"{deadly:.3f}",
            "" if auroc is None else f"{auroc:.3f}",
            f"{found['poison_cost']['track_2']:.2f}",
            f"{found['calibration_error']:.3f}",
        )
    return table
