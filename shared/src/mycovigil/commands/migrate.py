"""Bring the database to the newest schema; register the demo model where there is none."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mycovigil.models.demo import registration
from mycovigil.postgres import grants, migration
from mycovigil.postgres.engine import one_session
from mycovigil.postgres.rights import RIGHTS
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False)
GrantOption = typer.Option(
    "--grant",
    metavar="SERVICE=ROLE",
    help="Then give this database role what the service needs, and nothing else; again for each "
    f"service ({', '.join(RIGHTS)}). A role that is named for several gets what all of them need.",
)
PredictorOption = typer.Option(
    "--grant-predictor", metavar="ROLE", help="The same as --grant predictor=ROLE."
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
    given: Annotated[list[str] | None, GrantOption] = None,
    predictor: Annotated[str | None, PredictorOption] = None,
    since: Annotated[datetime | None, SinceOption] = None,
) -> None:
    """Run the migrations, and register the demo model on an empty database; safe to run again, and
    at the same time elsewhere."""
    settings = Settings.load()
    roles = _roles([*(given or []), *([f"predictor={predictor}"] if predictor else [])])
    if since is not None and since.date() < datetime.now(tz=UTC).date() - LONGEST_PAST:
        sys.exit(f"mycovigil migrate: {since:%Y-%m-%d} is more than ten years ago")
    migration.upgrade(settings.database, since=since.date() if since else None)
    typer.echo("the database is at the newest schema")
    if settings.demo.model:
        _register_demo_model(settings)
    if roles:
        _grant(settings, roles)


def _roles(given: list[str]) -> dict[str, list[str]]:
    """Services by role. Ends the process with a sentence where one is not ``SERVICE=ROLE``."""
    roles: dict[str, list[str]] = {}
    for one in given:
        service, _, role = one.partition("=")
        if service not in RIGHTS or not role:
            known = ", ".join(RIGHTS)
            sys.exit(f"mycovigil migrate: --grant {one}: not SERVICE=ROLE with one of {known}")
        roles.setdefault(role, []).append(service)
    return roles


def _grant(settings: Settings, roles: dict[str, list[str]]) -> None:
    """All of them or none."""
    try:
        seconds = settings.database.job_seconds  # another migration may be waited for
        with one_session(settings.database, seconds=seconds) as session:
            for role, services in roles.items():
                grants.grant(session, role, services)
    except (grants.UnknownRole, grants.RoleOwnsTables) as error:
        sys.exit(f"mycovigil migrate: {error}")
    for role, services in roles.items():
        typer.echo(f"{role} has the rights of: {', '.join(services)}")


def _register_demo_model(settings: Settings) -> None:
    version = registration.ensure(settings.database, settings.storage)
    if version is not None:
        typer.echo(registration.announcement(version))
