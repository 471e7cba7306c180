"""What all labels of a model together prove against its certificate's bound.

Labels come one by one, of many nights, and the test is made after each of them: an interval a night
would sooner or later refute a bound that holds. The e-value of all labelled deadly specimens does
so with a chance of at most one in twenty in a model's whole life. Only labels of photos that were
chosen at random count: photos that were chosen because the model may err would refute a bound that
holds.
"""

import hashlib
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
    """``specimens``: deadly ones labelled at random so far, ``missed``: how many of them, one photo
    of each session; the bound is refuted from an e-value of ``needed`` on."""

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
    """Of deadly specimens labelled at random, by the hash of their name: the lowest hash of a
    photo, and 1 if that photo was missed. One photo a specimen counts; a hash chooses it, whatever
    was answered."""

    specimens: dict[str, tuple[str, int]]

    @classmethod
    def of(cls, photos: Iterable[tuple[str, str, bool]]) -> Self:
        """Of each photo's specimen, its own name, and whether it was missed."""
        return cls.together(
            cls({_hash(specimen): (_hash(photo), int(missed))})
            for specimen, photo, missed in photos
        )

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """From a report's realised figures; those of earlier releases do not say what was chosen at
        random and count for nothing."""
        found = (document.get("random_misses") or {}).get("specimens", {})
        return cls({key: (str(photo), int(missed)) for key, (photo, missed) in found.items()})

    @classmethod
    def together(cls, nights: Iterable[Self]) -> Self:
        """Of several nights: a session that lasts for more than one is one specimen."""
        specimens: dict[str, tuple[str, int]] = {}
        for night in nights:
            for key, found in night.specimens.items():
                specimens[key] = min(specimens.get(key, found), found)
        return cls(specimens)

    @property
    def outcomes(self) -> list[int]:
        """1 for each specimen that was missed and 0 for the others."""
        return [missed for _, missed in self.specimens.values()]


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
    found = Misses.together(nights).outcomes
    return Proof(len(found), sum(found), e_value_above(bound, found))


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
