"""The evidence beside a verdict: which covariate moved, which classes grew, and odd inputs."""

from typing import Any

import numpy as np

from mycovigil.models.safety import CLASSES
from mycovigil.references.feature_rows import Rows
from mycovigil.vision.image.covariates import NAMES, effect, spread_ratio
from mycovigil_statistics.drift.budget import pool_is_enough
from mycovigil_worker.judging.judged_window import Comparison

SURE = 1.96


def covariates(comparison: Comparison) -> list[dict[str, Any]]:
    """Means of the reference and of the whole window; the effect is in reference sds, its 95%
    interval from independent units at the reference's spread; ``spread`` is the window's sd over
    the reference's."""
    found = []
    result = comparison.result
    margin = SURE * float(np.sqrt(1 / result.units + 1 / result.pool_units))
    for column, name in zip(comparison.reference.rows.covariates.T, NAMES, strict=True):
        known = column[np.isfinite(column)].astype(np.float64)
        night = comparison.totals.covariates.get(name)
        if not len(known) or night is None:
            continue
        spread = float(known.std())
        moved = effect(float(known.mean()), night.mean, spread, night.deviation)
        found.append(
            {
                "name": name,
                "reference": float(known.mean()),
                "night": night.mean,
                "effect": moved,
                "low": moved - margin,
                "high": moved + margin,
                "spread": spread_ratio(spread, night.deviation),
            }
        )
    return found


def classes(comparison: Comparison) -> list[dict[str, Any]]:
    """Shares of the predicted classes, in the reference and in the whole window."""
    counts = np.bincount(comparison.reference.rows.predicted, minlength=len(CLASSES))
    total = max(comparison.totals.rows, 1)
    return [
        {
            "class": name.value,
            "reference": float(count / counts.sum()),
            "night": comparison.totals.predicted[name.value] / total,
        }
        for name, count in zip(CLASSES, counts, strict=True)
    ]


def warnings(comparison: Comparison) -> list[str]:
    """What a reader should know about the inputs although the test could be made."""
    sides = (("the window", comparison.night), ("the reference set", comparison.reference.rows))
    found = [text for side, rows in sides for text in _oddities(side, rows)]
    found += [gap for side, rows in sides if (gap := comparison.scale.gap(side, rows))]
    if known := comparison.totals.known:
        found.append(f"{known} photos of the window lie in the reference set and were left out")
    if pooled := comparison.totals.pooled:
        found.append(
            f"{pooled} answers to several photos at once were left out: they were logged before "
            "each of their photos was"
        )
    pool, night = comparison.result.pool_units, _units_a_night(comparison)
    if not pool_is_enough(pool, night):
        found.append(
            f"the reference set is too small to see slow drift: {pool} rows of it are compared "
            f"with {night} a night, and 25 times as many are needed"
        )
    return found


def _units_a_night(comparison: Comparison) -> int:
    """Independent units that one night of the window holds, beyond the sample too."""
    share = comparison.result.units / len(comparison.night)
    nights = max(comparison.span.periods, 1)
    return round(share * comparison.totals.rows / nights)


def _oddities(side: str, rows: Rows) -> list[str]:
    found = []
    constant = int((np.ptp(rows.features, axis=0) == 0).sum())
    if constant:
        found.append(f"{constant} feature columns of {side} are constant")
    predicted = np.unique(rows.predicted)
    if len(predicted) == 1:
        name = CLASSES[int(predicted[0])].value.replace("_", " ")
        found.append(f"every photo of {side} was predicted {name}")
    return found
