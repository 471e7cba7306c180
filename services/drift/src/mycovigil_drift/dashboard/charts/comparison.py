"""Night beside reference: effects as bars from the middle, shares as pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EFFECT_LIMIT = 2.0
"""Standard deviations at which a bar reaches the edge, unless one goes beyond."""
OTHER_SPREAD = 0.2
"""Difference from 1 of a ratio of standard deviations that is worth telling."""


@dataclass(frozen=True, slots=True)
class EffectBar:
    """``x`` and ``width`` in percent of the picture, whose middle is "as the reference"."""

    name: str
    reference: float
    night: float
    effect: float
    x: float
    width: float
    large: bool
    interval: tuple[float, float] | None = None
    """95% interval of the effect, where the report holds one."""
    spread: float | None = None
    """The night's standard deviation over the reference's, where it is another: beyond a fifth."""


@dataclass(frozen=True, slots=True)
class ShareBar:
    """Widths in percent."""

    name: str
    reference: float
    night: float

    @property
    def change(self) -> float:
        return self.night - self.reference


def effects(covariates: Sequence[dict[str, Any]]) -> list[EffectBar]:
    """Covariates, most moved first; ``effect`` is in standard deviations of the reference."""
    limit = max([EFFECT_LIMIT, *(abs(row["effect"]) for row in covariates)])
    ordered = sorted(covariates, key=lambda row: -abs(row["effect"]))
    return [_bar(row, limit) for row in ordered]


def shares(classes: Sequence[dict[str, Any]]) -> list[ShareBar]:
    """Predicted classes in their fixed order."""
    return [ShareBar(row["class"], row["reference"], row["night"]) for row in classes]


def _bar(row: dict[str, Any], limit: float) -> EffectBar:
    half = abs(row["effect"]) / limit * 50
    return EffectBar(
        name=row["name"],
        reference=row["reference"],
        night=row["night"],
        effect=row["effect"],
        x=round(50 - half if row["effect"] < 0 else 50, 2),
        width=round(max(half, 0.4), 2),
        large=abs(row["effect"]) >= 0.5,
        interval=(row["low"], row["high"]) if row.get("low") is not None else None,
        spread=_other(row.get("spread")),
    )


def _other(spread: float | None) -> float | None:
    return None if spread is None or abs(spread - 1) < OTHER_SPREAD else spread
