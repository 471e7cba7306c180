"""What training said, attempt by attempt, as the worker stored it."""

import uuid
from dataclasses import dataclass

from mycovigil.storage import MissingObject, Storage

SHOWN_LINES = 300


@dataclass(frozen=True, slots=True)
class Attempt:
    """``text``: the last lines; ``left_out``: how many came before them."""

    number: int
    text: str
    left_out: int


def attempts(storage: Storage, job_id: uuid.UUID, *, lines: int = SHOWN_LINES) -> list[Attempt]:
    """The log of every attempt that ended, oldest first; none while the first still runs."""
    found = []
    for key in storage.keys(f"retrain/{job_id}"):
        number = key.rsplit("/", 1)[1].removesuffix(".log")
        try:
            said = storage.read(key).decode(errors="replace").splitlines()
        except MissingObject:  # retention came in between
            continue
        if number.isdigit():
            text = "\n".join(said[-lines:])
            found.append(Attempt(int(number), text, max(len(said) - lines, 0)))
    return sorted(found, key=lambda attempt: attempt.number)
