"""``/v1/comparisons``: figures of two row sets, what differs, and the test of one against the
other. The pages show the same numbers."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from mycovigil.models.safety import CLASSES
from mycovigil.problem import Problem
from mycovigil.vision.image.covariates import effect, spread_ratio
from mycovigil_drift.access import Viewer
from mycovigil_drift.resources.comparisons.row_set import (
    Figures,
    RowSet,
    figures,
    night,
    reference_set,
)
from mycovigil_drift.resources.comparisons.two_sample_test import TwoSampleResult, TwoSampleTests
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"])


class Pair(BaseModel):
    """Two ids of a kind: ``b`` is compared with ``a``."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID
    b: uuid.UUID
    test: bool = Field(False, description="Test b against a, a second or two; else figures alone.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``covariates``, ``classes`` and ``probabilities`` are shaped as a report's evidence; empty if
    retention deleted the rows of a side. ``verdict``: the result of the two-sample test; empty if
    it was not made."""

    reference_id: uuid.UUID
    other_id: uuid.UUID
    reference_figures: Figures | None
    other_figures: Figures | None
    covariates: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    probabilities: list[dict[str, Any]]
    verdict: TwoSampleResult | None


def compare(
    session: Session, tests: TwoSampleTests, reference: RowSet, other: RowSet, *, test: bool
) -> Comparison:
    """Figures of both row sets; with ``test`` the two-sample test too, else its cached result.

    Raises:
        Problem: 422 if both are the same, 503 while other tests run for too long.
    """
    if reference.identifier == other.identifier:
        detail = "Both sides are the same; choose two."
        raise Problem(422, "same-side-twice", "There is nothing to compare", detail)
    before, after = figures(session, reference), figures(session, other)
    result = tests.run(session, reference, other) if test else tests.cached(reference, other)
    return Comparison(
        reference.identifier,
        other.identifier,
        before,
        after,
        _covariates(before, after) if before and after else [],
        _pairs(before.classes, after.classes) if before and after else [],
        _pairs(before.probabilities, after.probabilities) if before and after else [],
        result,
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


@router.get("/nights", summary="Two nights, by the ids of their reports")
def compare_nights(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> Comparison:
    row_sets = night(session, pair.a), night(session, pair.b)
    return compare(session, state.two_sample_tests, *row_sets, test=pair.test)


@router.get("/reference-sets", summary="Two reference sets, by their ids")
def compare_reference_sets(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> Comparison:
    row_sets = reference_set(session, pair.a), reference_set(session, pair.b)
    return compare(session, state.two_sample_tests, *row_sets, test=pair.test)
