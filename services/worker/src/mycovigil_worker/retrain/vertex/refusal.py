"""What Vertex AI refuses, as one line with the command that grants it."""

from collections.abc import Mapping
from typing import Any

from mycovigil.missing import grant
from mycovigil.settings import VertexSettings
from mycovigil_worker.retrain.training import TrainingFailed

TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class Away(RuntimeError):
    """Vertex AI does not answer, or has no room now: trying again may help."""


class Refused(TrainingFailed):
    """Vertex AI refuses the request, and will do so again."""


def refusal(settings: VertexSettings, status: int, body: Mapping[str, Any]) -> Away | Refused:
    """The exception for an answer that is no success."""
    error = body.get("error", {})
    message = " ".join(str(error.get("message", "no reason given")).split())
    said = f"Vertex AI answers {status}: {message}"
    if status in TRY_AGAIN:
        return Away(said)
    mend = _mend(settings, status, message, _reasons(error))
    return Refused(f"{said}; {mend}" if mend else said)


def _reasons(error: Mapping[str, Any]) -> set[str]:
    return {str(detail["reason"]) for detail in error.get("details", ()) if "reason" in detail}


def _mend(settings: VertexSettings, status: int, message: str, reasons: set[str]) -> str:
    """The command that grants what is missing; empty where none does."""
    project = settings.project
    if status == 401:
        return "run: gcloud auth application-default login, or run as a service account"
    if "SERVICE_DISABLED" in reasons:
        return f"run: gcloud services enable aiplatform.googleapis.com --project={project}"
    if status == 404 or "CONSUMER_INVALID" in reasons:
        return f"is MYCOVIGIL_VERTEX_PROJECT right? run: gcloud projects describe {project}"
    if status != 403:
        return ""
    if "actAs" in message or "serviceAccounts" in message:
        command = (
            f"gcloud iam service-accounts add-iam-policy-binding {settings.service_account} "
            f"--project={project}"
        )
        return f"run: {grant(command, 'roles/iam.serviceAccountUser')}"
    command = f"gcloud projects add-iam-policy-binding {project}"
    return f"run: {grant(command, 'roles/aiplatform.user')}"
