"""The customJobs of Vertex AI's REST API: create, list by label, get, cancel.

Google's own library for it would bring BigQuery and two hundred more modules for four requests.
"""

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mycovigil.settings import VertexSettings
from mycovigil_worker.retrain.vertex import job_spec
from mycovigil_worker.retrain.vertex.refusal import Away, refusal

# Shorter than a lease, so that who creates a job still has it when the answer comes.
SECONDS = 30.0
FINAL = frozenset(
    f"JOB_STATE_{end}"
    for end in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
)


@dataclass(frozen=True, slots=True, order=True)
class CustomJob:
    """A job as the API tells it; sorts by its creation. ``error``: the reason Vertex AI gives."""

    created: str
    name: str
    state: str
    training: int
    attempt: int
    error: str

    @property
    def over(self) -> bool:
        return self.state in FINAL

    @classmethod
    def read(cls, answer: dict[str, Any]) -> "CustomJob":
        labels = answer.get("labels", {})
        return cls(
            answer["createTime"],
            answer["name"],
            answer.get("state", "JOB_STATE_UNSPECIFIED"),
            _number(labels, job_spec.TRAINING),
            _number(labels, job_spec.ATTEMPT),
            answer.get("error", {}).get("message", ""),
        )


class CustomJobs:
    """The custom jobs of one project and region.

    All methods raise :class:`~.refusal.Away` where trying again may help, and
    :class:`~.refusal.Refused`, with the command that mends it, where it does not.
    """

    def __init__(self, settings: VertexSettings) -> None:
        self._settings = settings
        self._address = f"{settings.address}/v1"

    def create(self, body: dict[str, Any]) -> CustomJob:
        return CustomJob.read(self._ask("POST", f"{self._settings.parent}/customJobs", json=body))

    def of_job(self, job_id: uuid.UUID) -> list[CustomJob]:
        """All trainings of a retrain job, the oldest first."""
        found: list[CustomJob] = []
        token = ""
        while True:
            asked = {"filter": f"labels.{job_spec.JOB}={job_id}", "pageSize": "100"}
            answer = self._ask(
                "GET",
                f"{self._settings.parent}/customJobs",
                params=asked | ({"pageToken": token} if token else {}),
            )
            found += [CustomJob.read(one) for one in answer.get("customJobs", ())]
            token = answer.get("nextPageToken", "")
            if not token:
                return sorted(found)

    def get(self, name: str) -> CustomJob:
        return CustomJob.read(self._ask("GET", name))

    def cancel(self, name: str) -> None:
        """Ask for its end, which comes later; a job that is over stays as it is."""
        self._ask("POST", f"{name}:cancel", json={})

    def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests import RequestException

        try:
            answer = self._session.request(
                method, f"{self._address}/{path}", timeout=SECONDS, **content
            )
            body = answer.json() if answer.content else {}
        except (RequestException, TransportError) as error:
            raise Away(f"Vertex AI does not answer: {type(error).__name__}") from error
        except GoogleAuthError as error:
            raise refusal(self._settings, 401, {"error": {"message": str(error)}}) from error
        if not answer.ok:
            raise refusal(self._settings, answer.status_code, body)
        return dict(body)

    @cached_property
    def _session(self) -> Any:
        """Of requests; with a login, except for an endpoint without TLS."""
        import google.auth
        import requests
        from google.auth.transport.requests import AuthorizedSession

        if self._address.startswith("http://"):
            return requests.Session()
        credentials, _ = google.auth.default(
            scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )
        return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


def _number(labels: dict[str, str], name: str) -> int:
    """A label that somebody else wrote over is the number of no training."""
    value = labels.get(name, "")
    return int(value) if value.isdecimal() else -1
