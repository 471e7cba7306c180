"""Retries with one ``Idempotency-Key`` are one prediction."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mycovigil.problem import Problem
from mycovigil_predictor.log.prediction_log import Outcome
from mycovigil_predictor.log.row import Claim, Row

REMEMBERED = 2_048


@dataclass(frozen=True, slots=True)
class Made:
    """A durable row, where it is, and the claim that it fulfils."""

    row: Row
    outcome: Outcome
    claim: Claim


class Once:
    """What this process made of late, and what it is making. The table of keys decides between
    processes; this saves the work, and stands in for the table while the database is away."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[str, str], Made] = OrderedDict()
        self._making: dict[tuple[str, str], asyncio.Future[None]] = {}

    async def make(self, claim: Claim, maker: Callable[[], Awaitable[Made]]) -> Made:
        """The earlier prediction with this key, or the one that ``maker`` makes now.

        Raises:
            Problem: 422, the key was used for other photos.
        """
        place = (claim.client, claim.key)
        while place in self._making:
            await asyncio.shield(self._making[place])
        if place in self._made:
            return same(self._made[place], claim)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._making[place] = done
        try:
            made = same(await maker(), claim)
            self._remember(place, made)
            return made
        finally:
            del self._making[place]
            done.set_result(None)

    def _remember(self, place: tuple[str, str], made: Made) -> None:
        self._made[place] = made
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)


def same(made: Made, claim: Claim) -> Made:
    """``made``, if it was made from the photos of ``claim``."""
    if made.claim.fingerprint != claim.fingerprint:
        raise Problem(
            422,
            "idempotency-key-reused",
            "The idempotency key was used for other photos",
            "An Idempotency-Key stands for one upload. Use a new one for other photos.",
        )
    return made
