"""Reference sets: their rows, and the fitted test, made once and stored."""

import io
import uuid
import zipfile
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.references.feature_rows import Rows, apart_from, assembled, columns, photos_of
from mycovigil.storage import MissingObject, Storage
from mycovigil_statistics import DriftResult, FittedReference, fit, judge
from mycovigil_statistics.drift.two_sample import permutations_for
from mycovigil_worker.references.novelty import NoveltyScale

# Part of a stored fit's name: another version may learn otherwise from the same rows.
STATISTICS = version("mycovigil-statistics")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A frozen set with its rows in memory."""

    identifier: uuid.UUID
    model_id: uuid.UUID
    encoder_id: uuid.UUID
    content_hash: str
    rows: Rows


def loaded(
    session: Session, row: ReferenceSet, *, apart_from_set: uuid.UUID | None = None
) -> Reference:
    """All samples of the set, by ordinal, but photos that another set holds too.

    Raises:
        MixedFeatures: its vectors differ in length.
    """
    query = select(*columns(ReferenceSample)).where(ReferenceSample.reference_set_id == row.id)
    if apart_from_set is not None:
        query = query.where(apart_from(ReferenceSample, photos_of(apart_from_set)))
    samples = session.execute(query.order_by(ReferenceSample.ordinal)).all()
    return Reference(row.id, row.model_id, row.encoder_id, row.content_hash, assembled(samples))


def fitted(
    storage: Storage, reference: Reference, scale: NoveltyScale, seed: int
) -> FittedReference:
    """The fitted test of a reference set, from storage or made now and stored.

    Stored by the set's id, not by its content hash: two models may share photos and features,
    and not the probabilities that are tested too. The novelty scores that went in are named, so
    that a fit without them is never taken for one with them.

    Raises:
        SampleError: the set cannot carry a test; the message says why.
    """
    key = f"{fits_of(reference.identifier)}-{seed}-{STATISTICS}-{'+'.join(scale.names)}.npz"
    try:
        return _unpacked(storage.read(key))
    except (MissingObject, KeyError, ValueError, zipfile.BadZipFile):
        made = fitted_now(reference, scale, seed)
    storage.write(key, _packed(made))
    return made


def fits_of(identifier: uuid.UUID) -> str:
    """What the keys of all stored fits of a reference set begin with."""
    return f"fits/{identifier}"


def fitted_now(reference: Reference, scale: NoveltyScale | None, seed: int) -> FittedReference:
    """Fit anew, for a replay; without novelty if there is no scale."""
    rows = reference.rows
    return fit(
        *rows.arrays,
        novelty=scale.scores(rows) if scale else None,
        groups=rows.dependent,
        seed=seed,
    )


def judged(
    fitted: FittedReference, night: Rows, scale: NoveltyScale | None, seed: int, *, level: float
) -> DriftResult:
    """The test of a night (or of another set's rows) against a fitted reference.

    With so many relabellings that a p below ``level`` is possible, however small the budget.

    Raises:
        SampleError: rows that no test can judge; the message says why.
    """
    return judge(
        fitted,
        *night.arrays,
        novelty=scale.scores(night) if scale else None,
        groups=night.dependent,
        seed=seed,
        permutations=permutations_for(level),
    )


def _packed(made: FittedReference) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **made.to_arrays())
    return buffer.getvalue()


def _unpacked(data: bytes) -> FittedReference:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return FittedReference.from_arrays(dict(arrays))
