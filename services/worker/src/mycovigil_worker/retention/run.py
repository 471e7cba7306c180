"""All of the nightly retention, each part by itself."""

from collections.abc import Callable
from datetime import datetime

import structlog

from mycovigil_worker.retention import days, files, late_rows, photos, records
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


def run(state: State, *, now: datetime) -> None:
    """Each part in transactions of its own; one that fails spares the others."""
    steps: dict[str, Callable[[], object]] = {
        "late rows": _in_one_transaction(state, late_rows.count, state.settings, now),
        "photos": lambda: photos.forget(state, now),
        "unclaimed photos": lambda: photos.delete_unclaimed(state, now),
        "days": _in_one_transaction(state, days.drop, state.settings, now),
        "records": lambda: records.delete_old(state, now),
        "pages": _in_one_transaction(state, files.delete_orphaned_pages, state.storage, now),
        "fits": _in_one_transaction(state, files.delete_retired_fits, state.storage),
        "logs of trainings": lambda: files.delete_old_logs(state, now),
    }
    for name, step in steps.items():
        try:
            done = step()
        except Exception:
            log.exception("retention failed, the next night tries again", step=name)
        else:
            log.info("retention", step=name, done=str(done))


def _in_one_transaction(
    state: State, step: Callable[..., object], *arguments: object
) -> Callable[[], object]:
    def run_step() -> object:
        with state.sessions.begin() as session:
            return step(session, *arguments)

    return run_step
