"""How long to wait before trying again: exponential backoff with jitter."""

import random
from dataclasses import dataclass

# Doubling a float more often overflows; any limit is reached long before.
MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first`` seconds, doubled with each failure up to ``longest``."""

    first: float
    longest: float

    def limit(self, attempt: int) -> float:
        """Seconds after failure number ``attempt`` (from 1), without jitter."""
        doublings = min(max(attempt - 1, 0), MOST_DOUBLINGS)
        return float(min(self.first * 2**doublings, self.longest))

    def seconds(self, attempt: int, *, of: bytes | None = None) -> float:
        """Between half of the limit and all of it, so that what failed together does not come
        back together.

        Args:
            of: whose wait it is; it is the same whenever and wherever it is asked for.
        """
        chance = random.Random(b"%b %d" % (of, attempt)) if of is not None else random
        return self.limit(attempt) * chance.uniform(0.5, 1.0)
