"""Bring the database to the newest schema; register the demo model where there is none."""

import sys
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


@app.command()
def migrate(role: Annotated[str | None, RoleOption] = None) -> None:
    """Run the migrations, and register the demo model on an empty database; safe to run again, and
    at the same time elsewhere."""
    settings = Settings.load()
    migration.upgrade(settings.database)
    typer.echo("the database is at the newest schema")
    if settings.demo.model:
        _register_demo_model(settings)
    if role is not None:
        try:
            with one_session(settings.database) as session:
                grants.grant_predictor(session, role)
        except grants.UnknownRole as error:
            sys.exit(f"mycovigil migrate: {error}")
        typer.echo(f"{role} has the rights of a predictor")


def _register_demo_model(settings: Settings) -> None:
    version = registration.ensure(settings.database, settings.storage)
    if version is not None:
        typer.echo(registration.announcement(version))
