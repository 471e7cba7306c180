"""How a training on Vertex AI ended: its state there, and what it left in the storage."""

import json

from mycovigil.storage import MissingObject, Storage
from mycovigil_worker.retrain.training import Ended
from mycovigil_worker.retrain.vertex.custom_jobs import CustomJob
from mycovigil_worker.retrain.vertex.job_spec import Key


def ended(storage: Storage, key: Key, job: CustomJob, history: list[str]) -> Ended:
    """As a child process would have ended, with ``history`` as the beginning of its log."""
    left = _left(storage, key)
    if job.state == "JOB_STATE_SUCCEEDED" and left:
        return Ended(0, [left], history, timed_out=False)
    if job.state == "JOB_STATE_SUCCEEDED":
        why = f"it left no result at {key.result}"
    else:
        why = _reason(left) or job.error or f"it is {job.state} at Vertex AI, which gives no reason"
    return Ended(1, [], [*history, " ".join(why.split())], timed_out=False)


def _left(storage: Storage, key: Key) -> str:
    try:
        return storage.read(key.result).decode(errors="replace").strip()
    except MissingObject:
        return ""


def _reason(left: str) -> str:
    """The sentence that a failed training left; empty where it had no time for one."""
    try:
        return str(json.loads(left)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
