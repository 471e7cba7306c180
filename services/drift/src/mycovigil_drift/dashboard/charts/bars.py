"""Bars of a night beside the reference: effects from the middle, shares in pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Standard deviations at which a bar reaches the edge, unless one is longer.
EFFECT_LIMIT = 2.0
# Difference from 1 from which a ratio of standard deviations is shown.
LARGE_SPREAD = 0.2
LARGE_EFFECT = 0.5


@dataclass(frozen=True, slots=True)
class EffectBar:
    """``x`` and ``width`` in percent of the chart, whose middle means "as the reference".

    ``interval``: 95% interval of the effect, if the report holds one. ``spread``: ratio of the
    night's standard deviation to the reference's, if it is far from 1.
    """

    name: str
    reference: float
    night: float
    effect: float
    x: float
    width: float
    large: bool
    interval: tuple[float, float] | None = None
    spread: float | None = None


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
        large=abs(row["effect"]) >= LARGE_EFFECT,
        interval=(row["low"], row["high"]) if row.get("low") is not None else None,
        spread=_shown_spread(row.get("spread")),
    )


def _shown_spread(spread: float | None) -> float | None:
    return None if spread is None or abs(spread - 1) < LARGE_SPREAD else spread
