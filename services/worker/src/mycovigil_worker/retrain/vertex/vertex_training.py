"""A training on Vertex AI, followed until its end by the worker that has the job's lease.

Vertex AI takes no id of ours, so the same job could be created twice. Therefore jobs are listed by
our labels before one is created, and at every turn after: of two the older one counts, and the
other is cancelled. A worker that stops leaves its job running; the next one finds it by its labels.
"""

import os
import threading
import time
from datetime import UTC, datetime

import structlog

from mycovigil import vertex_job
from mycovigil.db.retrain import RetrainJob
from mycovigil_worker.retrain import lease as leases
from mycovigil_worker.retrain.lease import Lease
from mycovigil_worker.retrain.training import Ended, Interrupted, TrainingFailed
from mycovigil_worker.retrain.vertex import job_spec
from mycovigil_worker.retrain.vertex.custom_jobs import CustomJob, CustomJobs
from mycovigil_worker.retrain.vertex.job_spec import Key
from mycovigil_worker.retrain.vertex.refusal import Away
from mycovigil_worker.retrain.vertex.result import ended
from mycovigil_worker.state import State

log = structlog.get_logger(__name__)


class VertexTraining:
    """One custom job."""

    def __init__(self, state: State, lease: Lease) -> None:
        self._state = state
        self._lease = lease
        self._settings = state.settings
        self._jobs = CustomJobs(state.settings.vertex)
        self._wake = threading.Event()
        self._lost = False
        self._created: str | None = None
        self._history: list[str] = []

    def interrupt(self) -> None:
        """The job goes on at Vertex AI; whoever takes the lease next follows it."""
        self._wake.set()

    def lease_lost(self) -> None:
        """Another worker follows the job, or it was cancelled: :mod:`.abandoned` ends it there."""
        self._lost = True
        self._wake.set()

    def run(self) -> Ended:
        """Find or create the job, and follow it.

        Raises:
            TrainingFailed: Vertex AI refuses it, has no machine for it, or the lease was lost.
            Interrupted: the worker is stopping.
        """
        key, begun = self._key(), time.monotonic()
        while not self._wake.is_set():
            try:
                job = self._found(key) or self._new(key)
                self._record(job)
                if job.over:
                    return ended(self._state.storage, key, job, self._history)
                self._limit(job)
            except Away as reason:
                log.warning("Vertex AI away, asked again", job=str(key.job_id), error=str(reason))
                if not self._history and time.monotonic() - begun > self._longest_wait:
                    raise TrainingFailed(str(reason)) from reason
            self._wake.wait(self._settings.vertex.poll_seconds)
        if self._lost:
            raise TrainingFailed("the lease was lost")
        raise Interrupted("the worker was stopped; a training on Vertex AI goes on")

    @property
    def _longest_wait(self) -> float:
        return self._settings.vertex.queue_seconds

    def _key(self) -> Key:
        with self._state.sessions() as session:
            job = session.get_one(RetrainJob, self._lease.job_id)
            return Key(job.id, job.incident_id, job.trainings, job.attempts)

    def _found(self, key: Key) -> CustomJob | None:
        """The oldest job of this training; younger ones are cancelled."""
        jobs = [one for one in self._jobs.of_job(key.job_id) if one.training == key.training]
        if not jobs:  # a list may be older than what we made
            return self._jobs.get(self._created) if self._created else None
        for twin in jobs[1:]:
            if not twin.over:
                log.warning("a second job of one training is cancelled", name=twin.name)
                self._jobs.cancel(twin.name)
        return jobs[0]

    def _new(self, key: Key) -> CustomJob:
        """Create the job, under a lease that is good for longer than the request may take."""
        if key.attempt > leases.MOST_ATTEMPTS:
            raise TrainingFailed("the worker died with the job, on the last of its attempts")
        self._note(remote_open=True)
        made = self._jobs.create(job_spec.custom_job(self._settings, key, os.environ))
        self._created = made.name
        return self._found(key) or made

    def _record(self, job: CustomJob) -> None:
        """What the job's page shows, when it changes; an attempt is counted where it was begun."""
        if self._history and self._history[-1].endswith(job.state):
            return
        if not self._history and (found := vertex_job.links(job.name)):
            self._history += [f"custom job {job.name}", f"log: {found.logs}"]
        self._history.append(f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M:%S} {job.state}")
        if job.over:
            self._note(remote_job=job.name, remote_open=False)
        else:
            self._note(remote_job=job.name, remote_open=True, attempts=max(job.attempt, 1))

    def _note(self, **values: object) -> None:
        with self._state.sessions.begin() as session:
            if not leases.note(session, self._lease, **values):
                raise TrainingFailed("the lease was lost")

    def _limit(self, job: CustomJob) -> None:
        """Cancel a job that waits for a machine, and runs, for too long."""
        age = datetime.now(tz=UTC) - datetime.fromisoformat(job.created)
        limit = self._settings.training.timeout_seconds + self._longest_wait
        if age.total_seconds() > limit:
            self._jobs.cancel(job.name)
            raise TrainingFailed(
                f"Vertex AI had not ended the training after {limit / 3600:.1f} hours; cancelled"
            )
