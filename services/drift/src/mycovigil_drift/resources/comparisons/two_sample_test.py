"""The nightly two-sample test on bounded samples of two row sets, one at a time, with a cache."""

import threading
import uuid
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSample
from mycovigil.problem import Problem
from mycovigil.references.each_photo import each_photo
from mycovigil.references.feature_rows import MixedFeatures, Rows, assembled, columns, photos_of
from mycovigil_drift.resources.comparisons.row_set import RowSet

# Most rows that are read: a test takes a second or two of CPU, whatever the traffic.
REFERENCE_ROWS, OTHER_ROWS = 2_000, 1_000
MIXED_ENCODERS = "features of two encoders are never compared"
MOST_CACHED = 256
# Seconds that a request waits for the test of another one to end.
LOCK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class TwoSampleResult:
    """``p_value`` and views of ``other`` against ``reference``; or the ``problem`` that prevented
    the test, and no p-value."""

    p_value: float | None
    views: list[dict[str, Any]]
    reference_rows: int
    other_rows: int
    problem: str | None = None


class TwoSampleTests:
    """Runs tests and caches their results by pair of ids. The rows behind an id do not change once
    its window is judged or its set is made, so a result does not expire."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._results: OrderedDict[tuple[uuid.UUID, uuid.UUID], TwoSampleResult] = OrderedDict()

    def cached(self, reference: RowSet, other: RowSet) -> TwoSampleResult | None:
        """The result of an earlier test of the pair."""
        return self._results.get((reference.identifier, other.identifier))

    def run(self, session: Session, reference: RowSet, other: RowSet) -> TwoSampleResult:
        """The cached result, or that of a test made now.

        Raises:
            Problem: 503 if other tests hold the lock for longer than :data:`LOCK_SECONDS`.
        """
        if (found := self.cached(reference, other)) is not None:
            return found
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            detail = "Other comparisons are being tested; try again in a few seconds."
            raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "5"})
        try:
            found = self.cached(reference, other) or _tested(session, reference, other, self._seed)
            self._results[reference.identifier, other.identifier] = found
            while len(self._results) > MOST_CACHED:
                self._results.popitem(last=False)
        finally:
            self._lock.release()
        return found


def _tested(session: Session, reference: RowSet, other: RowSet, seed: int) -> TwoSampleResult:
    other = other.apart_from(reference, REFERENCE_ROWS)
    samples = ((reference, REFERENCE_ROWS), (other, OTHER_ROWS))
    try:
        before, after = (_rows(session, row_set, most) for row_set, most in samples)
    except MixedFeatures:
        return TwoSampleResult(None, [], 0, 0, problem=MIXED_ENCODERS)
    sizes = len(before), len(after)
    if len(set.union(*(_encoders(session, row_set, most) for row_set, most in samples))) > 1:
        return TwoSampleResult(None, [], *sizes, problem=MIXED_ENCODERS)
    # Imported here: SciPy and scikit-learn would slow down every start of the service.
    import mycovigil_statistics as statistics
    from mycovigil_statistics.errors import SampleError

    try:
        fitted = statistics.fit(*before.arrays, groups=before.dependent, seed=seed)
        found = statistics.judge(fitted, *after.arrays, groups=after.dependent, seed=seed)
    except SampleError as reason:
        return TwoSampleResult(None, [], *sizes, problem=str(reason))
    return TwoSampleResult(found.p_value, [asdict(view) for view in found.views], *sizes)


def _rows(session: Session, row_set: RowSet, most: int) -> Rows:
    chosen = row_set.rows.with_only_columns(*columns(row_set.source)).limit(most)
    found = session.execute(chosen).all()
    if row_set.source is ReferenceSample:
        return assembled(found)
    return assembled(each_photo(session, found, apart_from=photos_of(None)))


def _encoders(session: Session, row_set: RowSet, most: int) -> set[uuid.UUID]:
    return set(session.scalars(row_set.rows.with_only_columns(row_set.encoder).limit(most)))
