"""Slices of the traffic as a heat map: a row a slice, a column a night."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHADES = 5
"""Steps from "as the reference" to as surprising as four zeros after the point."""
DECADES = 4.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One slice of one night; ``shade`` 0 to ``SHADES``, the last for a drift alone."""

    shade: int
    drift: bool
    judged: bool
    title: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """``cells``: one a column, empty where the slice sent nothing."""

    name: str
    photos: int
    drifts: int
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class HeatMap:
    dimension: str
    rows: list[HeatRow]


Slices = Sequence[dict[str, Any]]


def drawn(nights: Sequence[Slices], dimension: str, *, most: int) -> HeatMap:
    """Slices of ``dimension`` over the nights (oldest first); those that drifted come first,
    then the busiest, ``most`` of them."""
    by_value: dict[str, list[dict[str, Any] | None]] = {}
    for column, slices in enumerate(nights):
        for found in slices:
            if found["dimension"] == dimension:
                row = by_value.setdefault(str(found["value"]), [None] * len(nights))
                row[column] = found
    rows = [_row(name, found) for name, found in by_value.items()]
    if dimension == "hour":
        return HeatMap(dimension, sorted(rows, key=lambda row: row.name.zfill(2))[:most])
    ordered = sorted(rows, key=lambda row: (-row.drifts, -row.photos, row.name))
    return HeatMap(dimension, ordered[:most])


def dimensions(nights: Sequence[Slices]) -> list[str]:
    """Those that any night has, in the order they were first met."""
    return list(dict.fromkeys(found["dimension"] for slices in nights for found in slices))


def cell(found: dict[str, Any]) -> Cell:
    """One slice, with its numbers in words."""
    drift = found.get("verdict") == "drift"
    p_value = found.get("p_value")
    surprise = 0.0 if p_value is None else -math.log10(max(p_value, 10**-DECADES)) / DECADES
    shade = SHADES if drift else min(int(surprise * SHADES), SHADES - 1)
    return Cell(shade, drift, p_value is not None, _title(found))


def _row(name: str, found: list[dict[str, Any] | None]) -> HeatRow:
    known = [one for one in found if one is not None]
    return HeatRow(
        name,
        photos=sum(int(one.get("rows") or 0) for one in known),
        drifts=sum(one.get("verdict") == "drift" for one in known),
        cells=[None if one is None else cell(one) for one in found],
    )


def _title(found: dict[str, Any]) -> str:
    head = f"{found['value']}: {found.get('rows', 0)} photos"
    if found.get("p_value") is None:
        return f"{head}, too few to tell"
    verdict = "drift" if found.get("verdict") == "drift" else "calm"
    return f"{head}, {verdict}, p = {found['p_value']:.2g}"
