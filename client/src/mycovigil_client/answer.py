"""What the predictor answers, typed; what a newer predictor adds is kept and not refused."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from mycovigil.models.safety import CertificateState, SafetyClass, Verdict


class PredictionRefused(RuntimeError):
    """The predictor answered with a problem document (RFC 9457); ``problem`` is its content."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class _Document(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Reason(_Document):
    """Why the verdict is what it is; ``code`` is stable, ``text`` is for people."""

    code: str
    text: str


class Certificate(_Document):
    """What may be relied on today; ``bound`` only while the state is ``valid``."""

    state: CertificateState
    bound: float | None
    statement: str


class Model(_Document):
    id: uuid.UUID
    version: str


class Encoder(_Document):
    name: str
    precision: str


class Answer(_Document):
    """A prediction, as ``POST /v1/predictions`` answers it. There is no "safe"."""

    id: uuid.UUID
    label: SafetyClass
    probabilities: dict[SafetyClass, float]
    prediction_set: list[SafetyClass]
    verdict: Verdict
    reasons: list[Reason]
    certificate: Certificate
    distance_to_reference: float
    might_be_confused_with: list[str] = []
    model: Model
    encoder: Encoder
    created_at: datetime.datetime
    photos: int = 1
