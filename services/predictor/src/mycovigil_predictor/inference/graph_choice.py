"""Chooses which of two graphs encodes a photo that is alone, by timing such photos in service.

Timing at start would compete with everything else that starts, and bind the process for its life.
"""

import math

# Photos that each graph encodes before the faster one is chosen.
TRIALS = 8
# Photos after which the graphs are timed anew: other work on the machine changes.
PHOTOS_A_ROUND = 1_000
# The wide graph takes every core, so it must be clearly faster.
WORTHWHILE = 0.8


class GraphChoice:
    """The wide graph and the narrow one in turn until each had its trials; then the wide one, if
    its shortest time is less than ``WORTHWHILE`` of the narrow one's."""

    def __init__(self) -> None:
        self._begin_round()

    @property
    def timed(self) -> int:
        """Photos timed in this round."""
        return sum(self._trials.values())

    def use_wide(self) -> bool:
        """Whether the next photo goes to the wide graph."""
        if min(self._trials.values()) < TRIALS:
            return self._trials[True] < self._trials[False]
        return self._shortest[True] < WORTHWHILE * self._shortest[False]

    def record(self, wide: bool, seconds: float) -> None:
        """Note the time of a photo that was alone from beginning to end."""
        self._shortest[wide] = min(self._shortest[wide], seconds)
        self._trials[wide] += 1
        if self.timed >= PHOTOS_A_ROUND:
            self._begin_round()

    def _begin_round(self) -> None:
        self._trials = {False: 0, True: 0}
        self._shortest = {False: math.inf, True: math.inf}
