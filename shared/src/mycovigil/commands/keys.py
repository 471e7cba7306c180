"""Make and revoke API keys."""

import datetime
from typing import Annotated

import typer
from sqlalchemy import select

from mycovigil import access
from mycovigil.access import Scope
from mycovigil.db.key import ApiKey
from mycovigil.postgres.engine import one_session
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it; appears in every row it makes.")],
    scope: Annotated[list[Scope], typer.Option(help="May be given several times.")],
    days: Annotated[int | None, typer.Option(help="Days until it expires.")] = None,
) -> None:
    """Make a key and show it this once."""
    now = datetime.datetime.now(tz=datetime.UTC)
    expires = None if days is None else now + datetime.timedelta(days=days)
    with one_session(Settings.load().database) as session:
        typer.echo(access.create(session, name, scope, expires_at=expires))


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="The part after myco_.")]) -> None:
    """Revoke a key; services refuse it within two seconds."""
    with one_session(Settings.load().database) as session:
        if not access.revoke(session, prefix):
            raise typer.BadParameter(f"there is no key with prefix {prefix}")
    typer.echo(f"{prefix} is revoked")


@app.command("list")
def listing() -> None:
    """Show keys by prefix; secrets are not kept."""
    with one_session(Settings.load().database) as session:
        for key in session.scalars(select(ApiKey).order_by(ApiKey.created_at)):
            state = "revoked" if key.revoked_at else "active"
            typer.echo(f"{key.prefix}  {state:<8} {','.join(key.scopes):<28} {key.name}")
