"""Models and promotions over the wire."""

import datetime
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mycovigil.db.model import ModelStatus, PromotionDecision
from mycovigil.models.safety import CertificateState
from mycovigil_drift.pagination import PageQuery


class ModelRef(BaseModel):
    """Which model; ``version`` is for people."""

    id: uuid.UUID
    version: str


class ModelOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    version: str
    status: ModelStatus
    encoder_id: uuid.UUID
    parent_id: uuid.UUID | None
    artifact_sha256: str
    metrics: dict[str, Any]
    calibration: dict[str, Any]
    certificate: dict[str, Any]
    certificate_state: CertificateState
    certificate_reason: str
    created_at: datetime.datetime
    promoted_at: datetime.datetime | None


class PromotionOut(BaseModel):
    """A decision of the gate with the evidence it was taken on."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    model_id: uuid.UUID
    replaced_id: uuid.UUID | None
    decision: PromotionDecision
    evidence: dict[str, Any]
    decided_by: str
    created_at: datetime.datetime


class ModelQuery(PageQuery):
    status: ModelStatus | None = None


class RollbackIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, description="Why; it is kept.")
