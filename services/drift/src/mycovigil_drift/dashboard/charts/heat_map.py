"""Slices of the traffic as a heat map: one row per slice, one column per night."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mycovigil_drift.dashboard import days

# Shades from p = 1 to p = 10^-DECADES.
SHADES = 5
DECADES = 4.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One slice of one night; ``shade``: 0 to ``SHADES``, which only a drift has."""

    shade: int
    drift: bool
    judged: bool
    title: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """``cells``: one per column, empty if the slice had no photo."""

    name: str
    photos: int
    drifts: int
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class HeatMap:
    dimension: str
    rows: list[HeatRow]


Slices = Sequence[dict[str, Any]]


def layout(nights: Sequence[Slices], dimension: str, *, most: int) -> HeatMap:
    """The heat map of ``dimension`` over the nights (oldest first), at most ``most`` rows: those
    that drifted first, then those with most photos; hours in their order."""
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
    """All dimensions, in the order in which they first occur."""
    return list(dict.fromkeys(found["dimension"] for slices in nights for found in slices))


def cell(found: dict[str, Any]) -> Cell:
    """The cell of one slice, with its numbers as a title."""
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
    p_value = f"p = {found['p_value']:.2g}"
    if found.get("verdict") == "drift":
        return f"{head}, drift, {p_value}"
    if found.get("days") is None:  # beside a fixed reference: it pages nobody
        return f"{head}, no drift seen, {p_value}; it informs"
    return "; ".join(filter(None, (f"{head}, calm, {p_value}", days.class_seen(found))))
