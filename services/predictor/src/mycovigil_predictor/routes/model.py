"""``/v1/model``: what is served now."""

import uuid
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from mycovigil.safety import CertificateState
from mycovigil_predictor import problems
from mycovigil_predictor.routes import documented
from mycovigil_predictor.routes.caller import Documented, Reading
from mycovigil_predictor.state import Service

router = APIRouter(tags=["model"], dependencies=[Documented])


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
    state: CertificateState
    reason: str
    risk: str
    target: float
    bound: float | None
    calibration_photos: int
    statement: str


class ModelFacts(BaseModel):
    """The production model; ``trouble`` says why a newer one is not served."""

    id: uuid.UUID
    version: str
    certificate: CertificateFacts
    encoder: EncoderFacts
    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    trouble: str | None


@router.get("/v1/model", responses=documented.problems(401, 403, 429, 503))
async def model(caller: Reading, predictor: Service) -> ModelFacts:  # noqa: ARG001 - lets in
    """The model that answers now."""
    serving = predictor.follower.serving
    if serving is None:
        raise problems.no_model()
    meta, identity = serving.card.meta, serving.pipeline.identity
    state = serving.certificate_state
    certificate = meta.certificate.model_dump() | {
        "state": state,
        "reason": serving.certificate_reason,
        "bound": meta.certificate.bound if state == CertificateState.VALID else None,
    }
    return ModelFacts(
        id=serving.card.model_id,
        version=serving.card.version,
        certificate=CertificateFacts.model_validate(certificate),
        encoder=EncoderFacts(
            id=serving.encoder_id, provider=serving.pipeline.provider, **identity.model_dump()
        ),
        metrics=meta.metrics,
        thresholds=meta.thresholds.model_dump(),
        trouble=predictor.follower.trouble,
    )
