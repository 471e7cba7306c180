"""What all labels of a model together prove against its certificate's bound.

Labels come one by one, of many nights, and every one of them is looked at: an interval a night
would sooner or later refute a bound that holds. The e-value of all labelled deadly specimens does
so with a chance of at most one in twenty in a model's whole life.
"""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport
from mycovigil_statistics.e_value import e_value_above
from mycovigil_worker.outcome import PLANNED

NEEDED = 20.0


@dataclass(frozen=True, slots=True)
class Proof:
    """``specimens``: labelled deadly ones so far, ``missed``: how many of them, photos of one
    specimen by their mean; the bound is refuted from an e-value of ``needed`` on."""

    specimens: int
    missed: float
    e_value: float
    needed: float = NEEDED

    @property
    def refutes(self) -> bool:
        return self.e_value >= self.needed

    def document(self) -> dict[str, Any]:
        return asdict(self)


def of(session: Session, report: DriftReport, tonight: list[float], bound: float) -> Proof:
    """The proof of all nights of the report's model, ``tonight`` in place of its own earlier word.

    Longer windows hold the nights once more and add nothing.
    """
    documents = session.scalars(
        select(DriftReport.realised).where(
            DriftReport.model_id == report.model_id,
            DriftReport.origin.in_(PLANNED),
            DriftReport.periods == 1,
            DriftReport.realised.is_not(None),
            DriftReport.id != report.id,
        )
    )
    seen = [miss for found in documents for miss in (found or {}).get("misses", [])]
    if report.periods == 1 and report.origin in PLANNED:
        seen += tonight
    return Proof(len(seen), sum(seen), e_value_above(bound, seen))
