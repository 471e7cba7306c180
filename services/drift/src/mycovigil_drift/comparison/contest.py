"""Is one drawn as the other? The nightly test on bounded samples, one at a time, remembered."""

import threading
import uuid
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.problem import Problem
from mycovigil.references.feature_rows import MixedFeatures, Rows, assembled, columns
from mycovigil_drift.comparison.side import Side

REFERENCE_ROWS, NIGHT_ROWS = 2_000, 1_000
"""Rows that are read: a test takes a second or two of CPU, whatever the traffic."""
TWO_ENCODERS = "features of two encoders are never compared"
REMEMBERED = 256
PATIENCE = 20.0
"""Seconds that a test waits for another one to end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``p_value`` of ``other`` against ``reference``, with its views; or ``problem`` in words."""

    p_value: float | None
    views: list[dict[str, Any]]
    reference_rows: int
    other_rows: int
    problem: str | None = None


class Contests:
    """Verdicts by pair. Windows that are judged do not change, so that a verdict stays true."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[uuid.UUID, uuid.UUID], Verdict] = OrderedDict()

    def known(self, reference: Side, other: Side) -> Verdict | None:
        """What was found before."""
        return self._known.get((reference.identifier, other.identifier))

    def decided(self, session: Session, reference: Side, other: Side) -> Verdict:
        """Found before, or now.

        Raises:
            Problem: 503 while too many other tests wait.
        """
        if (found := self.known(reference, other)) is not None:
            return found
        if not self._lock.acquire(timeout=PATIENCE):
            detail = "Other comparisons are being tested; try again in a few seconds."
            raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "5"})
        try:
            found = self.known(reference, other) or _tested(session, reference, other, self._seed)
            self._known[reference.identifier, other.identifier] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        finally:
            self._lock.release()
        return found


def _tested(session: Session, reference: Side, other: Side, seed: int) -> Verdict:
    other = other.apart_from(reference, REFERENCE_ROWS)
    sides = ((reference, REFERENCE_ROWS), (other, NIGHT_ROWS))
    try:
        before, after = (_rows(session, side, most) for side, most in sides)
    except MixedFeatures:
        return Verdict(None, [], 0, 0, problem=TWO_ENCODERS)
    sizes = len(before), len(after)
    if len(set.union(*(_encoders(session, side, most) for side, most in sides))) > 1:
        return Verdict(None, [], *sizes, problem=TWO_ENCODERS)
    # SciPy and scikit-learn are loaded by whoever compares, not by every start.
    import mycovigil_statistics as statistics
    from mycovigil_statistics.errors import SampleError

    try:
        fitted = statistics.fit(*before.arrays, groups=before.dependent, seed=seed)
        found = statistics.judge(fitted, *after.arrays, groups=after.dependent, seed=seed)
    except SampleError as reason:
        return Verdict(None, [], *sizes, problem=str(reason))
    return Verdict(found.p_value, [asdict(view) for view in found.views], *sizes)


def _rows(session: Session, side: Side, most: int) -> Rows:
    chosen = side.rows.with_only_columns(*columns(side.source)).limit(most)
    return assembled(session.execute(chosen).all())


def _encoders(session: Session, side: Side, most: int) -> set[uuid.UUID]:
    return set(session.scalars(side.rows.with_only_columns(side.encoder).limit(most)))
