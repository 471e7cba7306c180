"""Encode a day's kept photos anew: the worker starts this as a child process."""

import datetime
import json
import sys
import uuid
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging


def reencode(
    encoder: Annotated[uuid.UUID, typer.Option(help="Id of the encoder.")],
    day: Annotated[datetime.datetime, typer.Option(formats=["%Y-%m-%d"], help="Day, UTC.")],
) -> None:
    """Encode for one turn; the last line of standard output is JSON (ending)."""
    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    from mycovigil_training.reencode.day import run

    try:
        ending = run(settings, encoder, day.date())
    except SQLAlchemyError as error:  # what follows its first line is the statement
        sys.exit(f"reencode {day:%Y-%m-%d}: {str(error).partition(chr(10))[0]}")
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"reencode {day:%Y-%m-%d}: {error}")
    sys.stdout.write(json.dumps({"ending": ending}) + "\n")
