"""Is one drawn as the other? The nightly test on bounded samples, one at a time, remembered."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from mycovigil.image.covariates import NAMES
from mycovigil.problem import Problem
from mycovigil_drift.comparison.side import Side

REFERENCE_ROWS, NIGHT_ROWS = 2_000, 1_000
"""Rows that are read: a test takes a second or two of CPU, whatever the traffic."""
REMEMBERED = 256
PATIENCE = 20.0
"""Seconds that a test waits for another one to end."""
SEED = 20_261_122


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

    def __init__(self) -> None:
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
            found = self.known(reference, other) or _tested(session, reference, other)
            self._known[reference.identifier, other.identifier] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        finally:
            self._lock.release()
        return found


def _tested(session: Session, reference: Side, other: Side) -> Verdict:
    before, after = _rows(session, reference, REFERENCE_ROWS), _rows(session, other, NIGHT_ROWS)
    sizes = len(before), len(after)
    if len({(row[3], len(row[0])) for row in (*before, *after)}) > 1:
        return Verdict(None, [], *sizes, problem="features of two encoders are never compared")
    # SciPy and scikit-learn are loaded by whoever compares, not by every start.
    import mycovigil_statistics as statistics
    from mycovigil_statistics.errors import SampleError

    try:
        fitted = statistics.fit(*_arrays(before), groups=_groups(before), seed=SEED)
        found = statistics.judge(fitted, *_arrays(after), groups=_groups(after), seed=SEED)
    except SampleError as reason:
        return Verdict(None, [], *sizes, problem=str(reason))
    return Verdict(found.p_value, [asdict(view) for view in found.views], *sizes)


def _rows(session: Session, side: Side, most: int) -> Sequence[Any]:
    source = side.source
    columns = (
        func.halfvec_send(source.features),
        source.group_key,
        source.probabilities,
        side.encoder,
        *(getattr(source, name) for name in NAMES),
    )
    return session.execute(side.rows.with_only_columns(*columns).limit(most)).all()


def _arrays(rows: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Features (n, d), probabilities (n, 4) and covariates (n, 8; NaN is missing)."""
    import numpy as np

    halves = [np.frombuffer(row[0], dtype=">f2", offset=4) for row in rows]
    covariates = np.array([row[4:] for row in rows], dtype=np.float32)
    return np.array(halves, np.float32), np.array([row[2] for row in rows], np.float32), covariates


def _groups(rows: Sequence[Any]) -> list[str | None] | None:
    """Keys where any two rows share one; nothing where all stand alone."""
    keys = [row[1] for row in rows]
    given = [key for key in keys if key is not None]
    return keys if len(set(given)) < len(given) else None
