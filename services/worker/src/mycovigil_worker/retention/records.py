"""Rows of the smaller tables past their retention, in batches that lock little."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from mycovigil.settings import StorageSettings
from mycovigil_worker.state import State

BATCH = 5_000
# A client that has not retried an upload for a day does not do so any more.
IDEMPOTENCY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of ``table`` whose ``column`` is older than ``kept``; no value, no end."""

    table: str
    column: str
    kept: timedelta

    @property
    def statement(self) -> str:
        """Deletes one batch; rows that another transaction holds wait for the next night."""
        return (
            f"DELETE FROM {self.table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {self.table} "  # noqa: S608 - constants
            f"WHERE {self.column} < :border LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
        )


def kinds(storage: StorageSettings) -> tuple[Kind, ...]:
    """What is deleted, and after how long."""
    events = timedelta(days=storage.event_retention_days)
    predictions = timedelta(days=storage.prediction_retention_days)
    audit = timedelta(days=storage.audit_retention_days)
    return (
        Kind("idempotency_keys", "created_at", IDEMPOTENCY),
        Kind("outbox", "published_at", events),
        Kind("inbox", "handled_at", events),
        Kind("report_requests", "handled_at", events),
        Kind("audit_lines", "created_at", audit),
        Kind("encoded_photos", "created_at", predictions),
    )


def delete_old(state: State, now: datetime) -> dict[str, int]:
    """Delete what is past its time; returns how many rows by table."""
    return {kind.table: _emptied(state, kind, now) for kind in kinds(state.settings.storage)}


def _emptied(state: State, kind: Kind, now: datetime) -> int:
    gone = 0
    while True:
        with state.sessions.begin() as session:
            batch = session.execute(
                text(kind.statement),
                {"border": now - kind.kept},
                execution_options={"preserve_rowcount": True},
            )
            rows = int(batch.rowcount)  # type: ignore[attr-defined]
        gone += rows
        if rows < BATCH:
            return gone
