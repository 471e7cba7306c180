"""``/v1/comparisons``: the same numbers that the pages show."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from mycovigil_drift.access import Viewer
from mycovigil_drift.comparison import side
from mycovigil_drift.comparison.result import Comparison, compared
from mycovigil_drift.session import Reading
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"])


class Pair(BaseModel):
    """Two of a kind: ``b`` is compared with ``a``."""

    model_config = ConfigDict(extra="forbid")
    a: uuid.UUID
    b: uuid.UUID
    test: bool = Field(False, description="Test b against a, a second or two; else figures alone.")


@router.get("/nights", summary="Two nights, by the ids of their reports")
def compare_nights(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> Comparison:
    sides = side.night(session, pair.a), side.night(session, pair.b)
    return compared(session, state.contests, *sides, test=pair.test)


@router.get("/reference-sets", summary="Two reference sets, by their ids")
def compare_reference_sets(
    session: Reading, state: AppState, _: Viewer, pair: Annotated[Pair, Query()]
) -> Comparison:
    sides = side.reference_set(session, pair.a), side.reference_set(session, pair.b)
    return compared(session, state.contests, *sides, test=pair.test)
