"""Run a retrain job: the worker starts this as a child process and reads its last line."""

import json
import sys
import uuid
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.telemetry import configure_logging

Result = Annotated[
    str, typer.Option("--result", help="Key in the storage that the result is written to as well.")
]
Job = Annotated[uuid.UUID, typer.Option("--job", help="Id of the retrain job.")]


def retrain(job: Job, result: Result = "") -> None:
    """Retrain for JOB; the last line of standard output is JSON (model_id, version, gate).

    The result in the storage is the same, or {"error": a sentence}.
    """
    settings = Settings.load()
    configure_logging(settings.telemetry, service="training")
    from mycovigil_training.retrain.retraining import retrain as run

    try:
        retrained = run(settings, job)
    except (ValueError, LookupError, FileNotFoundError) as error:
        _fail(settings, result, f"retrain {job}: {error}")
    except SQLAlchemyError as error:  # what follows its first line is the statement
        reason = str(error).partition("\n")[0]
        _fail(settings, result, f"retrain {job}: the database failed: {reason}")
    _leave(settings, result, retrained)
    sys.stdout.write(json.dumps(retrained, separators=(",", ":")) + "\n")


def _fail(settings: Settings, key: str, sentence: str) -> NoReturn:
    with suppress(Exception):  # of any storage: the sentence is what matters
        _leave(settings, key, {"error": sentence})
    sys.exit(sentence)


def _leave(settings: Settings, key: str, result: dict[str, Any]) -> None:
    if key:
        Storage(settings.storage).write(key, json.dumps(result, separators=(",", ":")).encode())
