"""Figures of two row sets and what differs; the pages show the same numbers."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.models.safety import CLASSES
from mycovigil.problem import Problem
from mycovigil.vision.image.covariates import effect, spread_ratio
from mycovigil_drift.resources.comparisons import request
from mycovigil_drift.resources.comparisons.request import ComparisonOut
from mycovigil_drift.resources.comparisons.row_set import Figures, RowSet, figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """``covariates``, ``classes`` and ``probabilities`` are shaped as a report's evidence; empty if
    retention deleted the rows of a side. ``comparison``: the pair's request with its p-value; empty
    if nobody asked for one."""

    reference_id: uuid.UUID
    other_id: uuid.UUID
    reference_figures: Figures | None
    other_figures: Figures | None
    covariates: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    probabilities: list[dict[str, Any]]
    comparison: ComparisonOut | None


def compare(session: Session, reference: RowSet, other: RowSet) -> Comparison:
    """Figures of both row sets, and the worker's comparison of the pair if there is one.

    Raises:
        Problem: 422 if both are the same.
    """
    if reference.identifier == other.identifier:
        detail = "Both sides are the same; choose two."
        raise Problem(422, "same-side-twice", "There is nothing to compare", detail)
    before, after = figures(session, reference), figures(session, other)
    known = request.known(session, reference, other)
    return Comparison(
        reference.identifier,
        other.identifier,
        before,
        after,
        _covariates(before, after) if before and after else [],
        _pairs(before.classes, after.classes) if before and after else [],
        _pairs(before.probabilities, after.probabilities) if before and after else [],
        ComparisonOut.of(known) if known else None,
    )


def _covariates(before: Figures, after: Figures) -> list[dict[str, Any]]:
    """Shifts of the means in standard deviations of ``before``, and the ratios of the standard
    deviations."""
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
