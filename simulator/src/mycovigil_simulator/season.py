"""When species fruit: the prior over species on a day of the year."""

import numpy as np
from numpy.typing import NDArray

from mycovigil_simulator.taxon import Species

YEAR = 365.25
WIDTH = 14.0  # days over which a month's fruiting fades on either side
STRAY = 0.01  # share left out of season


def abundance(species: Species, day_of_year: int) -> float:
    """How much of a species grows on a day (1 to 366): 1 in season, fading over two weeks.

    Raises:
        ValueError: the day is outside 1 to 366.
    """
    if not 1 <= day_of_year <= 366:
        message = f"day_of_year must be in 1 to 366, got {day_of_year}"
        raise ValueError(message)
    middles = (np.array(species.months) - 0.5) * YEAR / 12
    apart = np.abs((day_of_year - middles + YEAR / 2) % YEAR - YEAR / 2)
    beyond = max(float(apart.min()) - YEAR / 24, 0.0)
    return STRAY + (1 - STRAY) * float(np.exp(-0.5 * (beyond / WIDTH) ** 2))


def prior(species: tuple[Species, ...], day_of_year: int | None) -> NDArray[np.float64]:
    """Probabilities over species on that day; uniform without a day."""
    if day_of_year is None:
        return np.full(len(species), 1 / len(species))
    weights = np.array([abundance(one, day_of_year) for one in species])
    return np.asarray(weights / weights.sum())
