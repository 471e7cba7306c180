"""Sparklines: one number per night, as a small line chart."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 150, 34, 4
# Fewest calm nights from which a band is computed.
LEAST_CALM = 5


@dataclass(frozen=True, slots=True)
class Sparkline:
    """``zero``: the height of the middle; ``last``: the newest point; ``calm``: top and height of
    the band in which calm nights lie, if there were enough of them."""

    name: str
    value: float
    path: str
    last: tuple[float, float]
    zero: float
    large: bool
    calm: tuple[float, float] | None = None


def layout(
    name: str,
    values: Sequence[float],
    *,
    middle: float,
    reach: float,
    large: bool,
    calm: tuple[float, float] | None = None,
) -> Sparkline | None:
    """``values`` oldest first around ``middle``; the scale spans at least ``reach`` each way."""
    if not values:
        return None
    span = max([reach, *(abs(value - middle) for value in values)])
    scale = (HEIGHT / 2 - MARGIN) / span
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    corners = [
        (round(MARGIN + step * i, 1), round(HEIGHT / 2 - (value - middle) * scale, 1))
        for i, value in enumerate(values)
    ]
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in corners)
    band = None
    if calm is not None:
        top, bottom = (HEIGHT / 2 - (edge - middle) * scale for edge in (calm[1], calm[0]))
        band = round(top, 1), round(bottom - top, 1)
    return Sparkline(name, values[-1], path, corners[-1], HEIGHT / 2, large, band)


def calm_band(values: Sequence[float]) -> tuple[float, float] | None:
    """The middle 90% of calm nights; ``None`` for fewer than :data:`LEAST_CALM`."""
    if len(values) < LEAST_CALM:
        return None
    ordered = sorted(values)
    cut = round(len(ordered) * 0.05)
    return ordered[cut], ordered[-1 - cut]
