"""Reference sets: make one from calm production, list, freeze, retire, compare two."""

import getpass
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from mycovigil.db.model import Model
    from mycovigil.db.reference import ReferenceSet
    from mycovigil_worker.state import State

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
screen = Console(highlight=False)
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]

Name = Annotated[str, typer.Argument(help="What people call the set.")]
Identifier = Annotated[uuid.UUID, typer.Argument(help="The set's id.")]
Months = Annotated[
    list[int] | None, typer.Option("--month", min=1, max=12, help="Serves in this month only.")
]
Rows = Annotated[int, typer.Option(min=100, max=100_000, help="At most so many rows.")]
Years = Annotated[int, typer.Option(min=1, max=50, help="How many earlier years.")]
Freeze = Annotated[bool, typer.Option("--freeze", help="Judge nights against it at once.")]
Accept = Annotated[bool, typer.Option("--accept-drift", help="Although nights of it drifted.")]


@app.command()
def create(
    name: Name,
    *,
    since: Annotated[datetime, typer.Option("--from", formats=MOMENTS, help="First day, UTC.")],
    until: Annotated[datetime, typer.Option("--to", formats=MOMENTS, help="End, UTC.")],
    month: Months = None,
    rows: Rows = 10_000,
    accept_drift: Accept = False,
    freeze: Freeze = False,
) -> None:
    """Make a set from a stretch of production in which no night drifted."""
    from mycovigil.references import reference_set
    from mycovigil.references.window import Window

    start, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    if end <= start:
        _refuse("--to must lie after --from")
    with _work() as (_, session):
        made = reference_set.from_production(
            session,
            _production(session),
            [Window(start, end)],
            name=name,
            rows=rows,
            months=month,
            accept_drift=accept_drift,
        )
        _finish(session, made, freeze=freeze)


@app.command()
def season(
    name: Name,
    month: Annotated[list[int], typer.Option("--month", min=1, max=12, help="Of the season.")],
    years: Years = 1,
    rows: Rows = 10_000,
    accept_drift: Accept = False,
    freeze: Freeze = False,
) -> None:
    """Make a set for a season from the same months of earlier years."""
    from mycovigil_worker.references.season import from_earlier_years

    with _work() as (state, session):
        made = from_earlier_years(
            session,
            state.storage,
            _production(session),
            month,
            name=name,
            now=datetime.now(tz=UTC),
            years=years,
            rows=rows,
            accept_drift=accept_drift,
        )
        _finish(session, made, freeze=freeze)


@app.command()
def mixture(
    name: Name,
    of: Annotated[uuid.UUID, typer.Option("--of", help="The set to draw from.")],
    share: Annotated[
        list[str], typer.Option("--share", help="A class and its share, as deadly=0.2.")
    ],
    month: Months = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 0,
    freeze: Freeze = False,
) -> None:
    """Make a set from another one, in the shares of classes that a season has."""
    from mycovigil.references.reference_mixture import reweighted

    shares = dict(_share(given) for given in share)
    with _work() as (_, session):
        made = reweighted(session, _set(session, of), shares, name=name, months=month, seed=seed)
        _finish(session, made, freeze=freeze)


@app.command("list")
def listing() -> None:
    """All sets, newest first."""
    from sqlalchemy import select

    from mycovigil.db.reference import ReferenceSet

    table = Table("id", "name", "source", "rows", "months", "frozen", "retired", box=None)
    with _work() as (_, session):
        for row in session.scalars(select(ReferenceSet).order_by(ReferenceSet.created_at.desc())):
            months = ", ".join(str(month) for month in row.months or [])
            days = [
                "" if at is None else f"{at:%Y-%m-%d}" for at in (row.frozen_at, row.retired_at)
            ]
            table.add_row(str(row.id), row.name, row.source, str(row.rows), months or "all", *days)
    screen.print(table)


@app.command("freeze")
def freeze_set(identifier: Identifier) -> None:
    """Judge nights against a draft from now on."""
    from mycovigil.references import reference_set

    with _work() as (_, session):
        row = _set(session, identifier)
        reference_set.freeze(session, row, who=getpass.getuser())
        serving = reference_set.active(session, datetime.now(tz=UTC)).get(row.model_id)
        months = ", ".join(str(month) for month in row.months or [])
        when = f"in month {months}" if months else "where no set for the month is frozen"
    today = f"today {serving.name} serves" if serving else "today none serves"
    screen.print(f"{row.name} is frozen and serves {when}; {today}")


@app.command()
def retire(identifier: Identifier) -> None:
    """Judge no further night against a set."""
    from mycovigil.references import reference_set

    with _work() as (_, session):
        row = _set(session, identifier)
        reference_set.retire(session, row, who=getpass.getuser())
        left = reference_set.active(session, datetime.now(tz=UTC)).get(row.model_id)
    screen.print(f"{row.name} is retired; " + (f"{left.name} serves now" if left else NONE_LEFT))


NONE_LEFT = "no set is left: until one is frozen, this model's nights are not judged"


@app.command()
def compare(
    reference: Identifier,
    other: Annotated[uuid.UUID, typer.Argument(help="The set to judge against the first.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result.")] = False,
) -> None:
    """How does one set differ from another? One exact permutation test, as for a night."""
    from mycovigil_worker.comparisons.sets import compared

    with _work() as (state, session):
        sides = _set(session, reference), _set(session, other)
        found = compared(session, state.storage, *sides, seed=state.settings.drift.seed)
    if as_json:
        typer.echo(json.dumps(found))
        return
    screen.print(f"[bold]{found['verdict']}[/bold] (p = {found['p_value']:.4g})")
    for title, rows in (("class", found["classes"]), ("name", found["covariates"])):
        table = Table(title, "reference", "other", box=None)
        for row in rows:
            table.add_row(row[title], f"{row['reference']:.3g}", f"{row['night']:.3g}")
        screen.print(table)


@contextmanager
def _work() -> "Iterator[tuple[State, Session]]":
    """State and a session of its own transaction; a set that cannot be used ends the command."""
    from mycovigil.references.reference_set import NotUsable
    from mycovigil.settings import Settings
    from mycovigil_worker.days.judgement import NotComparable
    from mycovigil_worker.state import State

    state = State.of(Settings.load())
    try:
        with state.sessions.begin() as session:
            yield state, session
    except (NotUsable, NotComparable) as reason:
        _refuse(str(reason))
    finally:
        state.engine.dispose()


def _production(session: "Session") -> "Model":
    from mycovigil.models import registry

    found = registry.production(session)
    if found is None:
        _refuse("no model is in production: train one first (mycovigil train FOLDER)")
    return found.model


def _set(session: "Session", identifier: uuid.UUID) -> "ReferenceSet":
    from mycovigil.db.reference import ReferenceSet

    row = session.get(ReferenceSet, identifier)
    if row is None:
        _refuse(f"there is no reference set {identifier} (mycovigil reference list shows them)")
    return row


def _finish(session: "Session", made: "ReferenceSet", *, freeze: bool) -> None:
    from mycovigil.incidents import audit
    from mycovigil.references import reference_set

    who = getpass.getuser()
    audit.record(session, who=who, action="made a reference set", on=made, detail=made.name)
    if freeze:
        reference_set.freeze(session, made, who=who)
    state = "frozen" if freeze else "a draft: mycovigil reference freeze puts it to work"
    screen.print(f"{made.id}  {made.name}: {made.rows} rows, {state}")


def _share(given: str) -> tuple[str, float]:
    name, _, value = given.partition("=")
    try:
        return name, float(value)
    except ValueError:
        _refuse(f"{given!r} is not a class and its share, as deadly=0.2")


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"mycovigil reference: {reason}", err=True)
    raise typer.Exit(2)
