"""Small multiples: one number of every night, as a line."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 150, 34, 4


@dataclass(frozen=True, slots=True)
class Sparkline:
    """``zero`` is the height of "as the reference"; ``last`` the newest point."""

    name: str
    value: float
    path: str
    last: tuple[float, float]
    zero: float
    large: bool


def drawn(
    name: str, values: Sequence[float], *, middle: float, reach: float, large: bool
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
    return Sparkline(name, values[-1], path, corners[-1], HEIGHT / 2, large)
