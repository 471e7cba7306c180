"""Bring the database to the newest schema and make the coming partitions."""

import typer

from mycovigil.postgres import migration
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Run the migrations; safe to run again."""
    migration.upgrade(Settings.load().database)
    typer.echo("the database is at the newest schema")
