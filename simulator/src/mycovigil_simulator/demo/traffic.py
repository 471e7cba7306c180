"""A night's traffic through the public API, and the labels that experts send afterwards."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mycovigil_client import Answer, Client
from mycovigil_simulator.demo.photo_source import Shot

CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """What was sent and what came back."""

    shot: Shot
    answer: Answer


def send(client: Client, shots: list[Shot], *, until: datetime) -> list[SentPhoto]:
    """Send photos eight at a time, until the night is over; each that is sent must be answered.

    In a random order: a night that a busy machine cuts short still holds all of its kinds.
    """
    mixed = [shots[i] for i in np.random.default_rng(len(shots)).permutation(len(shots))]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        sent = pool.map(lambda shot: _send(client, shot, until), mixed)
        return [one for one in sent if one is not None]


def _send(client: Client, shot: Shot, until: datetime) -> SentPhoto | None:
    if datetime.now(tz=UTC) >= until:
        return None
    return SentPhoto(shot, client.predict(shot.jpeg, session=shot.session))


def answer_queue(client: Client, sent: list[SentPhoto], asked: list[str]) -> int:
    """Send the truth about those photos that the label queue asks about, in its order, by their
    ids; returns how many. Labels that nobody asked for would count in no figure."""
    known = {str(one.answer.id): one for one in sent}
    chosen = [known[identifier] for identifier in asked if identifier in known]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda one: _label(client, one), chosen))
    return len(chosen)


def _label(client: Client, one: SentPhoto) -> None:
    client.label(
        one.answer.id, one.shot.safety_class, species=one.shot.species, confidence="certain"
    )


def deadly_misses(sent: list[SentPhoto]) -> tuple[int, int]:
    """Deadly photos that were answered neither "avoid" nor "cannot tell", and deadly photos."""
    deadly = [one.answer.verdict for one in sent if one.shot.safety_class == "deadly"]
    return sum(verdict == "expert_check" for verdict in deadly), len(deadly)
