"""List, promote and roll back models."""

import getpass
import uuid
from typing import Annotated

import typer
from sqlalchemy import select

from mycovigil.commands.reason import said
from mycovigil.db.model import Model
from mycovigil.models import promotion
from mycovigil.postgres.engine import one_session
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command("list")
def listing() -> None:
    """Models, newest first."""
    with one_session(Settings.load().database) as session:
        for model in session.scalars(select(Model).order_by(Model.created_at.desc())):
            typer.echo(
                f"{model.id}  {model.version:<24} {model.status:<10} "
                f"certificate {model.certificate_state}"
            )


@app.command()
def promote(model: Annotated[uuid.UUID, typer.Argument(help="The candidate's id.")]) -> None:
    """Make a candidate the production model, if the gate's evidence allows it."""
    with one_session(Settings.load().database) as session:
        try:
            row = promotion.promote(session, model, decided_by=getpass.getuser())
        except (LookupError, promotion.GateClosed) as error:
            raise typer.BadParameter(str(error)) from error
    typer.echo(f"{model} is in production ({row.decision})")


@app.command("bring-back")
def bring_back(
    model: Annotated[uuid.UUID, typer.Argument(help="Id of a model that once passed the gate.")],
    reason: Annotated[str, typer.Option(help="Kept with the decision.", callback=said)],
) -> None:
    """Make a model that once passed the gate the production model again."""
    with one_session(Settings.load().database) as session:
        try:
            promotion.bring_back(session, model, decided_by=getpass.getuser(), reason=reason)
        except (LookupError, promotion.GateClosed) as error:
            raise typer.BadParameter(str(error)) from error
    typer.echo(f"{model} is in production again")


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Kept with the decision.", callback=said)],
) -> None:
    """Bring back the model that production replaced."""
    with one_session(Settings.load().database) as session:
        try:
            row = promotion.rollback(session, decided_by=getpass.getuser(), reason=reason)
        except promotion.GateClosed as error:
            raise typer.BadParameter(str(error)) from error
    typer.echo(f"{row.model_id} is in production again")
