"""Which of two graphs takes a photo that is alone: decided by such photos, while they are served.

A trial at start would fall into the moment when everything else starts too, and bind the process
for its life.
"""

import math

TRIALS = 8
ROUND = 1_000
PAYS = 0.8


class Contest:
    """The wide graph and the narrow one in turns until each had 8 photos; then the wide one, if its
    shortest time is less than .8 of the narrow one's. Begins again after 1,000 photos: a machine's
    other work changes."""

    def __init__(self) -> None:
        self._begin()

    @property
    def told(self) -> int:
        """Photos told of since it began."""
        return sum(self._tried.values())

    def goes_wide(self) -> bool:
        """Whether the next photo goes to the wide graph."""
        if min(self._tried.values()) < TRIALS:
            return self._tried[True] < self._tried[False]
        return self._shortest[True] < PAYS * self._shortest[False]

    def tell(self, wide: bool, seconds: float) -> None:
        """How long a photo took that was alone from beginning to end."""
        self._shortest[wide] = min(self._shortest[wide], seconds)
        self._tried[wide] += 1
        if self.told >= ROUND:
            self._begin()

    def _begin(self) -> None:
        self._tried = {False: 0, True: 0}
        self._shortest = {False: math.inf, True: math.inf}
