"""``/v1/model``: what is served now."""

import uuid
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from mycovigil.models.safety import CertificateStatus
from mycovigil_predictor import problems
from mycovigil_predictor.api.routes import openapi
from mycovigil_predictor.api.routes.caller import Documented, Reading
from mycovigil_predictor.state import Service

router = APIRouter(tags=["model"], dependencies=[Documented])


EXAMPLE: JsonDict = {  # without nulls, which FastAPI leaves out of its document
    "id": "019ab1c2-0000-7000-8000-000000000000",
    "version": "20261122-1",
    "demo": False,
    "certificate": {
        "state": "valid",
        "reason": "",
        "risk": "deadly specimen with a photo answered neither avoid nor cannot_tell",
        "target": 0.05,
        "bound": 0.05,
        "calibration_photos": 120,
        "statement": "With 95% confidence at most 5% of deadly specimens have a photo that is "
        "answered neither avoid nor cannot_tell.",
    },
    "encoder": {
        "id": "019ab1c2-0000-7000-8000-000000000001",
        "name": "hf-hub:imageomics/bioclip",
        "architecture": "ViT-B-16",
        "precision": "fp32",
        "dimension": 512,
        "onnx_digest": "ce35e5b09debb5444bae3fc96923f82e28f66ae60ae6e350d21b3940de30d92a",
        "preprocessing_digest": "dc2eb6335a1027d980dee79b3f26345c718168af768b63f9d8ec9035ec6e112d",
        "licence": "MIT",
        "provider": "CPUExecutionProvider",
    },
    "metrics": {"macro_recall": 0.71},
    "thresholds": {"deadly": 0.02},
    "trouble": "20261123-1 is not served: its bundle is not the registered one.",
}


class EncoderFacts(BaseModel):
    id: uuid.UUID
    name: str
    architecture: str
    precision: str
    dimension: int
    onnx_digest: str
    preprocessing_digest: str
    licence: str
    provider: str


class CertificateFacts(BaseModel):
    state: CertificateStatus
    reason: str
    risk: str
    target: float
    bound: float | None
    calibration_photos: int
    statement: str


class ModelFacts(BaseModel):
    """The production model; ``trouble`` says why a newer one is not served."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})
    id: uuid.UUID
    version: str
    demo: bool = Field(
        False, description="The demo model: trained on drawn mushrooms, not for real ones."
    )
    certificate: CertificateFacts
    encoder: EncoderFacts
    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    trouble: str | None


@router.get("/v1/model", responses=openapi.problems(401, 403, 429, 503))
async def model(caller: Reading, predictor: Service) -> ModelFacts:  # noqa: ARG001 - checks the key
    """The model that answers now."""
    serving = predictor.reloader.serving
    if serving is None:
        raise problems.no_model(predictor.reloader.trouble)
    meta, identity = serving.model.meta, serving.pipeline.identity
    status = serving.certificate_status
    certificate = meta.certificate.model_dump() | {
        "state": status,
        "reason": serving.certificate_reason,
        "bound": meta.certificate.bound if status == CertificateStatus.VALID else None,
    }
    return ModelFacts(
        id=serving.model.model_id,
        version=serving.model.version,
        demo=serving.model.demo,
        certificate=CertificateFacts.model_validate(certificate),
        encoder=EncoderFacts(
            id=serving.encoder_id, provider=serving.pipeline.provider, **identity.model_dump()
        ),
        metrics=meta.metrics,
        thresholds=meta.thresholds.model_dump(),
        trouble=predictor.reloader.trouble,
    )
