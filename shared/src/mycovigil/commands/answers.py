"""Stop all answers of the product at once, and let it answer again."""

import getpass
from typing import Annotated

import typer

from mycovigil.commands.reason import said
from mycovigil.models import answer_stop
from mycovigil.postgres.engine import one_session
from mycovigil.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def stop(
    reason: Annotated[
        str, typer.Option(help="Shown in every answer, and kept in the audit.", callback=said)
    ],
) -> None:
    """Make every answer 'cannot_tell', with the reason, within about a second."""
    with one_session(Settings.load().database) as session:
        made = answer_stop.begin(session, who=getpass.getuser(), reason=reason)
        typer.echo(f"answers are stopped by {made.stopped_by}: {made.reason}")


@app.command()
def resume(
    reason: Annotated[
        str, typer.Option(help="Why it is safe again; kept in the audit.", callback=said)
    ],
) -> None:
    """Let the product answer again."""
    with one_session(Settings.load().database) as session:
        try:
            answer_stop.end(session, who=getpass.getuser(), reason=reason)
        except answer_stop.NotStopped as error:
            raise typer.BadParameter(str(error)) from error
    typer.echo("the product answers again")


@app.command()
def status() -> None:
    """Whether answers are stopped, by whom and why."""
    with one_session(Settings.load().database) as session:
        found = answer_stop.in_force(session)
        typer.echo(
            f"stopped by {found.stopped_by} since {found.created_at:%Y-%m-%d %H:%M} UTC: "
            f"{found.reason}"
            if found
            else "the product answers"
        )
