"""Fetch, curate and describe folders of mushroom photos."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mycovigil.commands.failure import explained
from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Source = Annotated[
    Path,
    typer.Argument(
        help="Classes/<class>/<species>/*, a folder with manifest.csv, or a record of fetch."
    ),
]
Target = Annotated[
    Path | None,
    typer.Option("--to", help="The curated folder; default: MYCOVIGIL_TRAINING_DATASET."),
]


@app.command()
def fetch(
    source: Annotated[
        str,
        typer.Argument(
            help="A Kaggle data set (OWNER/NAME), an https:// archive, gs://, or a folder; "
            "default: the seed photos of Kaggle."
        ),
    ] = "",
    target: Target = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Photos of each species that are fetched; 0: all.")
    ] = 0,
    sha256: Annotated[str, typer.Option(help="What an archive must hash to.")] = "",
    downloads: Annotated[
        Path | None, typer.Option(help="Where downloads are kept; default: beside the data set.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write what was fetched here, and curate nothing.")
    ] = None,
) -> None:
    """Fetch photos, go on with what was cut, and curate them."""
    from mycovigil_training.dataset.fetch.fetching import fetch as download
    from mycovigil_training.dataset.fetch.kaggle import SEED
    from mycovigil_training.dataset.fetch.record import write_record

    _logs()
    home = downloads or Settings.load().training.dataset.parent / "downloads"
    with _one_sentence("fetch"):
        folder = download(source or SEED, home, sample=sample, sha256=sha256)
        if record:
            write_record(record, source or SEED, folder)
    typer.echo(f"fetched to {folder}")
    if not record:
        curate(folder, target)


@app.command()
def curate(
    folder: Source,
    target: Target = None,
    features: Annotated[
        bool,
        typer.Option(help="Find mushrooms that were photographed twice by the encoder's features."),
    ] = True,
) -> None:
    """Drop broken and duplicate photos, settle classes, find specimens; FOLDER stays as it is."""
    from mycovigil_training.dataset.curation import CurationOptions
    from mycovigil_training.dataset.curation import curate as run
    from mycovigil_training.dataset.fetch.record import fetched_folder

    _logs()
    settings = Settings.load()
    home = target or settings.training.dataset
    wanted = settings.curation
    options = CurationOptions(
        longer_side=wanted.longer_side,
        most_per_class=wanted.most_per_class,
        leave_out=wanted.leave_out,
        species=wanted.species,
        encoder=settings.encoder.uri if features or wanted.most_per_class else "",
    )
    with _one_sentence("curate"):
        run(fetched_folder(folder), home, options)
    describe(home)


@app.command()
def describe(
    folder: Annotated[Path | None, typer.Argument(help="A curated folder.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Where the datasheet goes; default: into the folder.")
    ] = None,
) -> None:
    """Count a curated folder's photos, say what curation did, and write the datasheet page."""
    from mycovigil_training.dataset import curated
    from mycovigil_training.dataset.datasheet.page import write_datasheet
    from mycovigil_training.dataset.summary import summary

    home = folder or Settings.load().training.dataset
    if not curated.is_curated(home):
        sys.exit(
            f"mycovigil dataset describe: {home} is not curated: run 'mycovigil dataset curate'"
        )
    report = curated.report_of(home)
    console = Console()
    table = Table("class", "photos", "species", "specimens", title=str(home), title_justify="left")
    for name in report["photos"]:
        cells = (str(report[kind][name]) for kind in ("photos", "species", "specimens"))
        table.add_row(name, *cells)
    console.print(table)
    for line in summary(report):
        console.print(line, markup=False, highlight=False)
    try:
        typer.echo(f"datasheet: {write_datasheet(home, page)}")
    except OSError as error:
        sys.exit(f"mycovigil dataset describe: {explained(error)}")


@app.command()
def pack(
    target: Annotated[Path, typer.Argument(help="The folder of shards.")],
    folder: Annotated[Path | None, typer.Argument(help="A curated folder.")] = None,
) -> None:
    """Pack a curated folder into tar files of 256 MiB, for DVC."""
    from mycovigil_training.dataset.packing import pack as run

    _logs()
    with _one_sentence("pack"):
        shards = run(folder or Settings.load().training.dataset, target)
    typer.echo(f"{len(shards)} shards in {target}")


@app.command()
def unpack(
    source: Annotated[Path, typer.Argument(help="A folder of shards.")],
    folder: Annotated[Path | None, typer.Argument(help="The curated folder.")] = None,
) -> None:
    """Unpack shards into a curated folder, and check every photo."""
    from mycovigil_training.dataset.packing import unpack as run

    _logs()
    with _one_sentence("unpack"):
        home = run(source, folder or Settings.load().training.dataset)
    typer.echo(f"{home} is whole")


@app.command()
def features(
    folder: Annotated[Path | None, typer.Argument(help="A curated folder.")] = None,
    encoder: Annotated[str, typer.Option(help="Default: MYCOVIGIL_ENCODER_URI.")] = "",
) -> None:
    """Encode every photo that is not encoded yet; what train and evaluate then need is there."""
    from mycovigil_training.configuration import compose
    from mycovigil_training.features.engine import Engine
    from mycovigil_training.training_data import gather

    _logs()
    settings = Settings.load()
    home = folder or settings.training.dataset
    with _one_sentence("features"):
        data = gather(home, Engine(encoder or settings.encoder.uri), compose())
    typer.echo(f"{len(data.table) + len(data.foreign)} photos of {home} are encoded")


@app.command()
def issues(
    folder: Annotated[Path | None, typer.Argument(help="A curated folder.")] = None,
    encoder: Annotated[str, typer.Option(help="Default: MYCOVIGIL_ENCODER_URI.")] = "",
) -> None:
    """List photos that look like another class than the one they stand under."""
    from mycovigil_training.configuration import compose
    from mycovigil_training.dataset.datasheet.page import write_datasheet
    from mycovigil_training.dataset.label_issues import write_issues
    from mycovigil_training.evaluate.contradicted import find_issues

    _logs()
    settings = Settings.load()
    home = folder or settings.training.dataset
    with _one_sentence("issues"):
        found = find_issues(home, encoder or settings.encoder.uri, compose())
        path = write_issues(home, found)
        page = write_datasheet(home)
    typer.echo(f"{len(found)} photos look like another class: {path}, and pictures in {page}")


@app.command()
def augment(
    preview: Annotated[Path, typer.Option(help="The picture to write (.jpg or .png).")],
    folder: Annotated[Path | None, typer.Argument(help="A curated folder.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Hydra overrides: augmentation.light=0.5 …")
    ] = None,
) -> None:
    """Draw what the augmentation policy makes of some photos of each class."""
    from mycovigil_training.configuration import compose
    from mycovigil_training.dataset.datasheet.policy import draw_policy

    with _one_sentence("augment"):
        config = compose(overrides or []).augmentation
        draw_policy(folder or Settings.load().training.dataset, config, preview)
    typer.echo(f"{preview}: a row for each photo, the photo first")


@contextmanager
def _one_sentence(command: str) -> Iterator[None]:
    """What a person can mend ends the command with one sentence."""
    try:
        yield
    except (ValueError, OSError) as error:
        sys.exit(f"mycovigil dataset {command}: {explained(error)}")


def _logs() -> None:
    configure_logging(Settings.load().telemetry, service="training")
