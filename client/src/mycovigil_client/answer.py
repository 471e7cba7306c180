"""The predictor's answer, typed; fields that a newer predictor adds are kept as attributes."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from mycovigil_client.safety import Advice, CertificateStatus, SafetyClass


class PredictionRefused(RuntimeError):
    """The predictor answered with a problem document (RFC 9457); ``problem`` is its content."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class _Document(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Reason(_Document):
    """A reason for the advice; ``code`` is stable, ``text`` is for people."""

    code: str
    text: str


class Certificate(_Document):
    """The model's risk certificate; ``bound`` is set only while ``state`` is ``valid``."""

    state: CertificateStatus
    bound: float | None
    statement: str


class Model(_Document):
    """The model that gave the answer; ``demo``: the packaged one, not for real mushrooms."""

    id: uuid.UUID
    version: str
    demo: bool = False


class Encoder(_Document):
    """The image encoder of that model."""

    name: str
    precision: str


class Answer(_Document):
    """A prediction, as ``POST /v1/predictions`` returns it; ``verdict`` is the advice."""

    id: uuid.UUID
    label: SafetyClass
    probabilities: dict[SafetyClass, float]
    prediction_set: list[SafetyClass]
    verdict: Advice
    reasons: list[Reason]
    certificate: Certificate
    distance_to_reference: float
    might_be_confused_with: list[str] = []
    model: Model
    encoder: Encoder
    created_at: datetime.datetime
    photos: int = 1
