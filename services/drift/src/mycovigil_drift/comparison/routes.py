"""``/v1/comparisons``: the same numbers that the pages show."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from mycovigil_drift.access import Viewer
from mycovigil_drift.comparison import side
from mycovigil_drift.comparison.result import compared
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"])


class Pair(BaseModel):
    """Two of a kind: ``b`` is compared with ``a``."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID
    b: uuid.UUID
    test: bool = Field(False, description="Test b against a, about a second; else figures alone.")


class FiguresOut(BaseModel):
    """Of a random sample of ``sampled`` rows; ``confidence``: shares by ten equal bins of the
    highest probability."""

    model_config = ConfigDict(from_attributes=True)
    sampled: int
    means: dict[str, float]
    deviations: dict[str, float]
    classes: dict[str, float]
    probabilities: dict[str, float]
    confidence: list[float]


class VerdictOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    p_value: float | None
    views: list[dict[str, Any]]
    reference_rows: int
    other_rows: int
    problem: str | None


class ComparisonOut(BaseModel):
    """``covariates``, ``classes`` and ``probabilities`` are shaped as in a report's evidence."""

    model_config = ConfigDict(from_attributes=True)
    reference_id: uuid.UUID
    other_id: uuid.UUID
    reference_figures: FiguresOut | None
    other_figures: FiguresOut | None
    covariates: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    probabilities: list[dict[str, Any]]
    verdict: VerdictOut | None


@router.get("/nights", summary="Two nights, by the ids of their reports")
def compare_nights(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> ComparisonOut:
    sides = side.night(session, pair.a), side.night(session, pair.b)
    return ComparisonOut.model_validate(compared(session, state.contests, *sides, test=pair.test))


@router.get("/reference-sets", summary="Two reference sets, by their ids")
def compare_reference_sets(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> ComparisonOut:
    sides = side.reference_set(session, pair.a), side.reference_set(session, pair.b)
    return ComparisonOut.model_validate(compared(session, state.contests, *sides, test=pair.test))
