"""Bring the database to the newest schema and make the coming partitions."""

import sys
from typing import Annotated

import typer

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
    """Run the migrations; safe to run again, and at the same time elsewhere."""
    database = Settings.load().database
    migration.upgrade(database)
    typer.echo("the database is at the newest schema")
    if role is not None:
        try:
            with one_session(database) as session:
                grants.grant_predictor(session, role)
        except grants.UnknownRole as error:
            sys.exit(f"mycovigil migrate: {error}")
        typer.echo(f"{role} has the rights of a predictor")
