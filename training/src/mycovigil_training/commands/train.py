"""Train a model on a folder of photos, certify it, and register it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from mycovigil.commands.failure import explained
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging

if TYPE_CHECKING:
    from mycovigil.models.bundle import Bundle
    from mycovigil_training.training import Trained

app = typer.Typer(add_completion=False, help=__doc__)

Folder = Annotated[
    Path | None,
    typer.Argument(help="Photos as Classes/<class>/<species>/*; default: the curated folder."),
]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Hydra overrides: head.epochs=50 augmentation=none …")
]
Promote = Annotated[
    bool, typer.Option(help="Go live: as the first model, or when the gate lets it pass.")
]

To = Annotated[
    Path | None,
    typer.Option(help="Write the model into this folder instead; needs no database."),
]


@app.command()
def train(
    folder: Folder = None, overrides: Overrides = None, *, promote: Promote = True, to: To = None
) -> None:
    """Train on FOLDER, calibrate, certify, register; promote if it may go live."""
    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    changes = list(overrides or ())
    if folder is not None and "=" in str(folder) and not folder.exists():
        changes.insert(0, str(folder))  # no folder was given, only overrides
        folder = None
    from mycovigil_training.training import train as run
    from mycovigil_training.training import train_to

    try:
        if to is not None:
            _show_bundle(train_to(settings, folder, to, overrides=changes))
            return
        trained = run(settings, folder, overrides=changes, promote=promote, folds=True)
    except (ValueError, OSError) as error:
        sys.exit(f"mycovigil train: {explained(error)}")
    _show(trained)


def _show(trained: "Trained") -> None:
    table = _figures(trained.bundle)
    table.add_row("gate", trained.gate["reason"])
    table.add_row("status", "in production" if trained.promoted else "candidate")
    table.add_row("took", f"{trained.seconds:.1f} s")
    Console().print(table)


def _show_bundle(bundle: "Bundle") -> None:
    Console().print(_figures(bundle))


def _figures(bundle: "Bundle") -> Table:
    meta = bundle.meta
    metrics = meta.metrics
    table = Table(title=f"model {meta.version}", title_justify="left", show_header=False)
    table.add_row("encoder", f"{meta.encoder_name} ({meta.encoder_precision})")
    table.add_row(
        "photos judged on", f"{metrics['photos']} of {metrics.get('specimens', 0)} specimens"
    )
    if metrics["photos"]:
        missed = metrics["deadly_missed"]
        table.add_row("macro recall", f"{metrics['macro_recall']:.3f}")
        for name, recall in metrics["recall"].items():
            table.add_row(f"  {name}", _share(recall))
        table.add_row("deadly missed", _share(missed) if missed["trials"] else "no deadly photo")
        shares = ", ".join(f"{name} {share:.0%}" for name, share in metrics["verdicts"].items())
        table.add_row("verdicts", shares)
        table.add_row("calibration error", f"{metrics['calibration_error']:.3f}")
    if folds := metrics.get("card", {}).get("out_of_fold"):
        table.add_row(
            "out of fold",
            f"macro recall {folds['macro_recall']:.3f} on {folds['photos']} photos of "
            f"{folds['specimens']} specimens",
        )
    table.add_row("certificate", f"{meta.certificate.state}: {meta.certificate.statement}")
    return table


def _share(interval: dict[str, float]) -> str:
    return (
        f"{interval['estimate']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}] "
        f"of {interval['trials']}"
    )
