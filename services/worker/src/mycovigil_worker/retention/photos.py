"""Kept photos past their retention: of old predictions, and files that no row claims.

A photo of a live reference set stays, one made of production's photos for a bounded time only.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.postgres.any_of import any_of
from mycovigil.settings import StorageSettings
from mycovigil_worker.retention.files import deleted
from mycovigil_worker.state import State

BATCH = 5_000
FOLDER = "photos"
# Sets of these sources hold photos that people sent.
OF_PRODUCTION = ("production", "season")


def forget(state: State, now: datetime) -> int:
    """Delete photos whose last prediction is past retention, and their keys in the rows.

    In batches, a transaction each. A photo that the storage does not give up is left for the next
    night, and holds back no other. Returns how many were deleted.
    """
    storage = state.settings.storage
    border = now - timedelta(days=storage.photo_retention_days)
    with state.sessions.begin() as session:
        _release_sets(session, storage, now)
    gone, after = 0, ""
    while True:
        with state.sessions.begin() as session:
            keys = _old_keys(session, border, after)
            if not keys:
                return gone
            used = _held(session, keys) | _used_since(session, border, keys)
            given_up = [k for k in keys if k not in used and deleted(state.storage, k)]
            _erase_keys(session, given_up)
        gone += len(given_up)
        after = keys[-1]


def delete_unclaimed(state: State, now: datetime) -> int:
    """Delete photos past retention that no prediction and no live reference set names: those of
    requests that hung up, came too late or met a full spool. Returns how many."""
    border = now - timedelta(days=state.settings.storage.photo_retention_days)
    gone = 0
    for folder in state.storage.folders(FOLDER):
        old = [key for key, written in state.storage.ages(folder) if written < border]
        if not old:
            continue
        with state.sessions() as session:
            claimed = _held(session, old) | _claimed(session, old)
        gone += sum(deleted(state.storage, key) for key in old if key not in claimed)
    return gone


def _old_keys(session: Session, border: datetime, after: str) -> Sequence[str]:
    """The next keys of rows before ``border``, in order; by the partial index of each day."""
    keys = (
        select(Prediction.image_key)
        .where(Prediction.image_key > after, Prediction.created_at < border)
        .distinct()
        .order_by(Prediction.image_key)
        .limit(BATCH)
    )
    return [str(key) for key in session.scalars(keys)]


def _used_since(session: Session, border: datetime, keys: Sequence[str]) -> set[str]:
    return _found(session, _rows_with(keys).where(Prediction.created_at >= border))


def _claimed(session: Session, keys: Sequence[str]) -> set[str]:
    return _found(session, _rows_with(keys))


def _rows_with(keys: Sequence[str]) -> Select[str | None]:
    return select(Prediction.image_key).where(Prediction.image_key == any_of(keys)).distinct()


def _found(session: Session, query: Select[str | None]) -> set[str]:
    return {str(key) for key in session.scalars(query)}


def _held(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a reference sample has; samples of sets past their time have none."""
    of_sample = ReferenceSample.image_key
    return _found(session, select(of_sample).where(of_sample == any_of(keys)))


def _release_sets(session: Session, storage: StorageSettings, now: datetime) -> None:
    """Let go of the photos of retired sets, and of sets of production past their bounded life."""
    border = now - timedelta(days=storage.reference_photo_retention_days)
    past = (ReferenceSet.frozen_at < border) & ReferenceSet.source.in_(OF_PRODUCTION)
    ended = select(ReferenceSet.id).where(ReferenceSet.retired_at.is_not(None) | past)
    session.execute(
        update(ReferenceSample)
        .where(ReferenceSample.reference_set_id.in_(ended), ReferenceSample.image_key.is_not(None))
        .values(image_key=None)
    )


def _erase_keys(session: Session, keys: Sequence[str]) -> None:
    session.execute(
        update(Prediction).where(Prediction.image_key == any_of(keys)).values(image_key=None)
    )
