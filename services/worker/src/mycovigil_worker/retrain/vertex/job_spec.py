"""The custom job of one training: what Vertex AI runs, and the labels it is found by."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from mycovigil.settings import Settings, variables
from mycovigil.settings.group import PREFIX

JOB, TRAINING, ATTEMPT, INCIDENT = (
    "mycovigil_job",
    "mycovigil_training",
    "mycovigil_attempt",
    "mycovigil_incident",
)
# Groups of settings that a training reads.
FORWARDED = tuple(
    f"{PREFIX}{group}_"
    for group in ("DATABASE", "STORAGE", "ENCODER", "CURATION", "TRAINING", "LOG")
)


@dataclass(frozen=True, slots=True)
class Key:
    """One training. ``training``: number of the job's trainings whose end is recorded, so that the
    next one has another key; ``attempt``: which of the job's attempts it is."""

    job_id: uuid.UUID
    incident_id: uuid.UUID | None
    training: int
    attempt: int

    @property
    def result(self) -> str:
        """Where the training leaves its result in the storage."""
        return f"retrain/{self.job_id}/training-{self.training}.json"

    def labels(self) -> dict[str, str]:
        incident = {INCIDENT: str(self.incident_id)} if self.incident_id else {}
        return {
            JOB: str(self.job_id),
            TRAINING: str(self.training),
            ATTEMPT: str(self.attempt),
            **incident,
        }


def custom_job(settings: Settings, key: Key, environment: Mapping[str, str]) -> dict[str, Any]:
    """The body of ``customJobs.create``.

    Vertex AI neither repeats a job that fails nor restarts it with its machine: attempts are ours.

    Args:
        environment: the worker's; what a training reads of it goes along, secrets do not.
    """
    vertex = settings.vertex
    seconds = f"{settings.training.timeout_seconds:.0f}s"
    spec: dict[str, Any] = {
        "workerPoolSpecs": [
            {
                "machineSpec": _machine(settings),
                "replicaCount": "1",
                "containerSpec": {
                    "imageUri": vertex.image,
                    "command": list(settings.training.command),
                    "args": ["retrain", "--job", str(key.job_id), "--result", key.result],
                    "env": _environment(settings, environment),
                },
            }
        ],
        "scheduling": {
            "timeout": seconds,
            "restartJobOnWorkerRestart": False,
            "disableRetries": True,
        },
        "serviceAccount": vertex.service_account,
    }
    if vertex.staging:
        prefix = f"{vertex.staging.rstrip('/')}/retrain/{key.job_id}"
        spec["baseOutputDirectory"] = {"outputUriPrefix": prefix}
    if vertex.network_attachment:
        spec["pscInterfaceConfig"] = {"networkAttachment": vertex.network_attachment}
    return {
        "displayName": f"mycovigil-retrain-{key.job_id}-{key.training}",
        "labels": key.labels(),
        "jobSpec": spec,
    }


def _machine(settings: Settings) -> dict[str, Any]:
    vertex = settings.vertex
    machine: dict[str, Any] = {"machineType": vertex.machine_type}
    if vertex.accelerator:
        machine |= {
            "acceleratorType": vertex.accelerator,
            "acceleratorCount": vertex.accelerators,
        }
    return machine


def _environment(settings: Settings, environment: Mapping[str, str]) -> list[dict[str, str]]:
    """What a job's container has, by name; ``VERTEX_ENVIRONMENT`` comes before the worker's."""
    open_ = {name for name, (_, value) in variables().items() if not isinstance(value, SecretStr)}
    chosen = {
        name: value
        for name, value in environment.items()
        if name in open_ and name.startswith(FORWARDED)
    }
    if settings.vertex.database_file:
        chosen[f"{PREFIX}DATABASE_URL_FILE"] = settings.vertex.database_file
    chosen |= settings.vertex.environment
    return [{"name": name, "value": chosen[name]} for name in sorted(chosen)]
