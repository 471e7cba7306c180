"""Two sides compared: what moved, by how much, and whether chance explains it."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.models.safety import CLASSES
from mycovigil.problem import Problem
from mycovigil.vision.image.covariates import effect, spread_ratio
from mycovigil_drift.comparison.contest import Contests, Verdict
from mycovigil_drift.comparison.side import Figures, Side, figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """``covariates`` and ``classes`` are shaped as a report's evidence; empty where the rows of
    a side are gone. ``verdict`` is empty where the test was not asked for."""

    reference_id: uuid.UUID
    other_id: uuid.UUID
    reference_figures: Figures | None
    other_figures: Figures | None
    covariates: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    probabilities: list[dict[str, Any]]
    verdict: Verdict | None


def compared(
    session: Session, contests: Contests, reference: Side, other: Side, *, test: bool
) -> Comparison:
    """Figures of both sides; the test only if asked for, or known from before.

    Raises:
        Problem: 422 where both are one, 503 while too many other tests wait.
    """
    if reference.identifier == other.identifier:
        detail = "Both sides are the same; choose two."
        raise Problem(422, "same-side-twice", "There is nothing to compare", detail)
    before, after = figures(session, reference), figures(session, other)
    verdict = (
        contests.decided(session, reference, other) if test else contests.known(reference, other)
    )
    return Comparison(
        reference.identifier,
        other.identifier,
        before,
        after,
        _covariates(before, after) if before and after else [],
        _pairs(before.classes, after.classes) if before and after else [],
        _pairs(before.probabilities, after.probabilities) if before and after else [],
        verdict,
    )


def _covariates(before: Figures, after: Figures) -> list[dict[str, Any]]:
    """Moves of the means, in standard deviations of the first side, and how the second spreads."""
    return [
        {
            "name": name,
            "reference": mean,
            "night": after.means[name],
            "effect": effect(
                mean, after.means[name], before.deviations.get(name), after.deviations.get(name)
            ),
            "spread": spread_ratio(before.deviations.get(name), after.deviations.get(name)),
        }
        for name, mean in before.means.items()
        if name in after.means
    ]


def _pairs(before: dict[str, float], after: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {"class": name.value, "reference": before[name.value], "night": after[name.value]}
        for name in CLASSES
    ]
