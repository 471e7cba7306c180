"""Bring the database to the newest schema; register the demo model where there is none."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mycovigil.models.demo import registration
from mycovigil.postgres import grants, migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False)
RoleOption = typer.Option(
    "--grant-predictor",
    metavar="ROLE",
    help="Then give this database role the predictor's rights, and no others.",
)
SinceOption = typer.Option(
    "--partitions-since",
    formats=["%Y-%m-%d"],
    help="Make the daily partitions of the past, too, from this day on: for predictions that wait "
    "in a spool because their day has none.",
)
# More days would be a slip of the pen, and a partition each.
LONGEST_PAST = timedelta(days=3_660)


@app.command()
def migrate(
    role: Annotated[str | None, RoleOption] = None,
    since: Annotated[datetime | None, SinceOption] = None,
) -> None:
    """Run the migrations, and register the demo model on an empty database; safe to run again, and
    at the same time elsewhere."""
    settings = Settings.load()
    if since is not None and since.date() < datetime.now(tz=UTC).date() - LONGEST_PAST:
        sys.exit(f"mycovigil migrate: {since:%Y-%m-%d} is more than ten years ago")
    migration.upgrade(settings.database, since=since.date() if since else None)
    typer.echo("the database is at the newest schema")
    if settings.demo.model:
        _register_demo_model(settings)
    if role is not None:
        try:
            seconds = settings.database.job_seconds  # another migration may be waited for
            with one_session(settings.database, seconds=seconds) as session:
                grants.grant_predictor(session, role)
        except (grants.UnknownRole, grants.RoleOwnsTables) as error:
            sys.exit(f"mycovigil migrate: {error}")
        typer.echo(f"{role} has the rights of a predictor")


def _register_demo_model(settings: Settings) -> None:
    version = registration.ensure(settings.database, settings.storage)
    if version is not None:
        typer.echo(registration.announcement(version))
