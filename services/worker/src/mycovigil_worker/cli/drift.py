"""Judge drift: what is due now, a stretch of the past, a report again, or two files."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from mycovigil.db.report import DriftReport
    from mycovigil_worker.state import State

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
screen = Console(highlight=False)
DAY = "%Y-%m-%d"
MOMENTS = [DAY, "%Y-%m-%dT%H:%M:%S"]


@app.command()
def run() -> None:
    """Judge every window that is due now, in this process."""
    from sqlalchemy import select

    from mycovigil.db.report import DriftReport
    from mycovigil_worker.nights import nightly

    with _state() as state, state.sessions() as session:
        made = nightly.run(state, now=datetime.now(tz=UTC))
        rows = session.scalars(select(DriftReport).where(DriftReport.id.in_(made)))
        _show(sorted(rows, key=lambda row: (row.window_end, row.periods)))


@app.command()
def backfill(
    since: Annotated[datetime, typer.Option("--from", formats=MOMENTS, help="First day, UTC.")],
    until: Annotated[datetime, typer.Option("--to", formats=MOMENTS, help="End, UTC.")],
) -> None:
    """Make the missing reports of a stretch; spends no alarm budget and opens no incident, now or
    later: leave nights that the nightly run is still to catch up with to it."""
    from mycovigil_worker.nights import backfill as past
    from mycovigil_worker.nights.nightly import grace_of

    start, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if end <= start:
        _refuse("--to must lie after --from")
    with _state() as state:
        over = datetime.now(tz=UTC) - grace_of(state.settings)
        if start >= over:
            _refuse("--from lies in the future: no window after it is over")
        windows = past.missing(state, start, min(end, over))
        made = track(past.run(state, windows), "judging", total=len(windows), console=screen)
        _show([row for row in made if row is not None])


@app.command()
def reencode(
    encoder: Annotated[str, typer.Option(help="A packaged name (mini/int8) or a folder.")],
    first: Annotated[datetime, typer.Option("--from", formats=[DAY], help="First day, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=[DAY], help="Last day, UTC.")],
) -> None:
    """Have the kept photos of past days encoded anew by ENCODER, by the workers of the queue
    ``retrain``. Asking again is harmless: days that are done stay, failed ones are tried again."""
    from getpass import getuser

    from mycovigil.db.encoder import Encoder
    from mycovigil.models.registry import register_encoder
    from mycovigil.reencoding import request
    from mycovigil.vision.encoder.identity import EncoderIdentity, locate
    from mycovigil_worker.retrain import reencoding

    try:
        identity = EncoderIdentity.read(locate(encoder))
        with _state() as state:
            with state.sessions.begin() as session:
                row = session.get_one(Encoder, register_encoder(session, identity, encoder))
                request.request(session, row, first.date(), last.date(), who=getuser())
            reencoding.resend_waiting(state)
    except (FileNotFoundError, ValueError) as reason:
        _refuse(str(reason))
    _show_encodings()


@app.command()
def encodings() -> None:
    """How far the encoding of kept photos has come."""
    _show_encodings()


@app.command()
def evidently(
    folder: Annotated[Path, typer.Argument(help="The workspace, made where it is not there.")],
) -> None:
    """Put all stored snapshots into a workspace of Evidently's, one project a model."""
    from sqlalchemy import select

    from mycovigil.db.model import Model
    from mycovigil.db.report import DriftReport
    from mycovigil_worker.report.evidently_workspace import filled

    query = (
        select(Model.version, DriftReport.snapshot_uri)
        .join(Model, Model.id == DriftReport.model_id)
        .where(DriftReport.snapshot_uri.is_not(None))
        .order_by(DriftReport.window_end)
    )
    stored: dict[str, list[str]] = {}
    with _state() as state:
        with state.sessions() as session:
            for version, key in session.execute(query):
                stored.setdefault(version, []).append(str(key))
        for version, keys in stored.items():
            screen.print(f"{version}: {filled(folder, version, state.storage, keys)} snapshots")
    screen.print(f"open it with: evidently ui --workspace {folder}", soft_wrap=True)


@app.command()
def replay(report: Annotated[uuid.UUID, typer.Argument(help="The report's id.")]) -> None:
    """Recompute a report from its pinned inputs; exit code 1 if it comes out otherwise."""
    from mycovigil_worker.nights.replay import NotReplayable, replayed

    try:
        with _state() as state, state.sessions() as session:
            found = replayed(session, state.storage, report)
    except NotReplayable as reason:
        _refuse(str(reason))
    screen.print(f"recorded p {found.recorded_p_value:.6g} ({found.recorded_code})")
    screen.print(f"now      p {found.p_value:.6g} ({found.code})")
    if not found.same_rows:
        screen.print("the sample is not the recorded one: rows have gone or came since")
    if not found.same_slices:
        screen.print("its slices come out otherwise")
    screen.print("reproduced" if found.reproduced else "NOT reproduced")
    raise typer.Exit(0 if found.reproduced else 1)


@app.command("test")
def compare(
    reference: Annotated[
        Path,
        typer.Option(
            help="Reference .npz: features, and optionally probabilities, covariates, groups, days."
        ),
    ],
    night: Annotated[Path, typer.Option(help="The .npz to judge, with the same arrays.")],
    level: Annotated[float, typer.Option(min=0.0, max=1.0, help="Alarm at p <= level.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Seed of split and permutations.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result.")] = False,
) -> None:
    """Has the night drifted from the reference? With days, also: more than these differ?"""
    from mycovigil_statistics.errors import SampleError
    from mycovigil_worker.cli.compare_files import UnusableFile, compared

    try:
        found = compared(reference, night, level=level, seed=seed)
    except (UnusableFile, SampleError) as reason:
        _refuse(str(reason))
    if as_json:
        typer.echo(json.dumps(found))
        return
    screen.print(f"[bold]{found['verdict']}[/bold] (p = {found['p_value']:.4g}, level {level:g})")
    if "summary" in found:
        screen.print(found["summary"])
        if found["verdict"] == "calm" and found["detectable"] is not None:
            screen.print(
                f"A shift of {found['detectable']:.2g} times would have been seen."
                if found["p_days"] > level
                else "By days this is a drift and by rows it is not; an alarm needs both."
            )
    else:
        _show_views(found["views"])


@contextmanager
def _state() -> Iterator["State"]:
    """Its connections are closed when the command ends."""
    from mycovigil.settings import Settings
    from mycovigil.telemetry import configure_logging
    from mycovigil_worker.state import State

    settings = Settings.load()
    quiet = settings.telemetry.model_copy(update={"level": "warning", "format": "console"})
    configure_logging(quiet, service="drift")
    state = State.of(settings)
    try:
        yield state
    finally:
        state.engine.dispose()


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"mycovigil drift: {reason}", err=True)
    raise typer.Exit(2)


def _show(rows: "list[DriftReport]") -> None:
    if not rows:
        screen.print("nothing was due")
        return
    table = Table("window", "periods", "photos", "verdict", "p", "level", "cause", box=None)
    for row in rows:
        p_value = "" if row.p_value is None else f"{row.p_value:.2g}"
        level = "" if row.level is None else f"{row.level:.2g}"
        start = f"{row.window_start:%Y-%m-%d %H:%M:%S}"
        cells = (start, row.periods, row.rows, row.verdict, p_value, level, row.cause or "")
        table.add_row(*(str(cell) for cell in cells))
    screen.print(table)


def _show_encodings() -> None:
    from mycovigil.reencoding import progress

    with _state() as state, state.sessions() as session:
        found = progress.of_encoders(session)
    if not found:
        screen.print("no photos were asked to be encoded anew")
        return
    names = ("encoder", "days", "done", "failed", "share", "encoded", "removed", "undecodable")
    table = Table(*names, box=None)
    for one in found:
        share = f"{one.share:.1%}"
        cells = (one.uri, one.days, one.done, one.failed, share, one.encoded, one.removed)
        table.add_row(*(str(cell) for cell in (*cells, one.undecodable)))
    screen.print(table)
    for one in found:
        if one.problem:
            screen.print(f"{one.uri}: {one.problem}", soft_wrap=True)


def _show_views(views: list[dict[str, Any]]) -> None:
    table = Table("view", "group", "p", "effect", box=None)
    for view in sorted(views, key=lambda row: float(row["p_value"])):
        table.add_row(
            view["name"], view["group"], f"{view['p_value']:.3g}", f"{view['effect']:.2f}"
        )
    screen.print(table)
