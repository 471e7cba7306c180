"""What all labels of a model together prove against its certificate's bound.

Labels come one by one, of many nights, and the test is made after each of them: an interval a night
would sooner or later refute a bound that holds. The e-value of all labelled deadly specimens does
so with a chance of at most one in twenty in a model's whole life.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftReport
from mycovigil_statistics.safety.e_value import e_value_above
from mycovigil_worker.judging.judged_window import PLANNED

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


@dataclass(frozen=True, slots=True)
class Misses:
    """Of deadly photos: ``alone`` is 1 for each missed one without a session and 0 for the others,
    ``sessions`` how many were missed of how many in each session, by its hash."""

    alone: list[float]
    sessions: dict[str, list[int]]

    @classmethod
    def of(cls, photos: Iterable[tuple[str | None, bool]]) -> Self:
        """Of the session of each photo, and whether it was missed."""
        alone: list[float] = []
        sessions: dict[str, list[int]] = {}
        for session, missed in photos:
            if session is None:
                alone.append(float(missed))
                continue
            key = hashlib.sha256(session.encode()).hexdigest()[:16]
            before = sessions.get(key, [0, 0])
            sessions[key] = [before[0] + missed, before[1] + 1]
        return cls(alone, sessions)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """From a report's realised figures; earlier ones name no session."""
        found = document.get("misses", [])
        return cls(found, {}) if isinstance(found, list) else cls(**found)


def of(session: Session, report: DriftReport, tonight: Misses, bound: float) -> Proof:
    """The proof of all nights of the report's model, ``tonight`` in place of the stored figures.

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
    nights = [Misses.read(found) for found in documents if found]
    if report.periods == 1 and report.origin in PLANNED:
        nights.append(tonight)
    shares = by_specimen(nights)
    return Proof(len(shares), sum(shares), e_value_above(bound, shares))


def by_specimen(nights: list[Misses]) -> list[float]:
    """The share of each specimen's photos that were missed; a session that lasts for several
    nights is one specimen."""
    missed: Counter[str] = Counter()
    photos: Counter[str] = Counter()
    for night in nights:
        for key, (wrong, sent) in night.sessions.items():
            missed[key] += wrong
            photos[key] += sent
    together = [missed[key] / sent for key, sent in photos.items()]
    return [share for night in nights for share in night.alone] + together
