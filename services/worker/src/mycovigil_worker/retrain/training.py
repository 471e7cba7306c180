"""What a training is to the worker that has its job's lease, wherever it runs."""

import json
import uuid
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError


class TrainingFailed(RuntimeError):
    """The training ended without a result; the message is the reason it gave."""


class Interrupted(RuntimeError):
    """The worker is stopping: no fault of the training."""


class Gate(BaseModel):
    """The comparison with the production model; more fields are evidence."""

    model_config = ConfigDict(frozen=True, extra="allow")
    passed: bool
    reason: str


class Result(BaseModel):
    """The last line of standard output of ``mycovigil_training retrain``."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    model_id: uuid.UUID
    gate: Gate


@dataclass(frozen=True, slots=True)
class Ended:
    """How the training ended: exit code, and its output by stream."""

    code: int
    output: list[str]
    errors: list[str]
    timed_out: bool

    @property
    def log(self) -> bytes:
        return "\n".join([*self.errors, "--- standard output", *self.output, ""]).encode()

    def result(self) -> Result:
        """Raises :class:`TrainingFailed` where there is none."""
        if self.timed_out:
            raise TrainingFailed("training took longer than its timeout and was stopped")
        if self.code != 0:
            reason = self.errors[-1] if self.errors else "no reason given"
            raise TrainingFailed(f"training ended with code {self.code}: {reason}")
        try:
            return Result.model_validate(json.loads(self.output[-1] if self.output else ""))
        except (ValidationError, json.JSONDecodeError) as error:
            raise TrainingFailed(f"training printed no result on its last line: {error}") from error


class Training(Protocol):
    """One training of one job, in a process or on Vertex AI."""

    def run(self) -> Ended:
        """Start it, or find it where it runs already, and wait for its end.

        Raises:
            TrainingFailed: it cannot be started.
            Interrupted: the worker is stopping.
        """

    def lease_lost(self) -> None:
        """Leave it alone: another worker has the job, or it was cancelled. Called from another
        thread."""

    def interrupt(self) -> None:
        """Come back soon because the worker is stopping. Called from another thread."""


_running: set[Training] = set()


def followed(training: Training) -> Ended:
    """Run ``training``; a stopping worker interrupts it meanwhile (:func:`interrupt_all`)."""
    _running.add(training)
    try:
        return training.run()
    finally:
        _running.discard(training)


def interrupt_all() -> None:
    """Interrupt every training of this process: a stopping worker does not wait for hours."""
    for training in list(_running):
        training.interrupt()
