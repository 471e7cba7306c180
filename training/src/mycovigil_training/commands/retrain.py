"""Run a retrain job: the worker starts this as a child process and reads its last line."""

import json
import sys
import uuid
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging

Job = Annotated[uuid.UUID, typer.Option("--job", help="Id of the retrain job.")]


def retrain(job: Job) -> None:
    """Retrain for JOB; the last line of standard output is JSON (model_id, version, gate)."""
    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    from mycovigil_training.retrain.retraining import retrain as run

    try:
        retrained = run(settings, job)
    except (ValueError, LookupError, FileNotFoundError) as error:
        sys.exit(f"retrain {job}: {error}")
    except SQLAlchemyError as error:  # what follows its first line is the statement
        sys.exit(f"retrain {job}: the database failed: {str(error).partition(chr(10))[0]}")
    sys.stdout.write(json.dumps(retrained, separators=(",", ":")) + "\n")
