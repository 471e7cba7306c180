"""Encoder and model rows, without files behind them."""

import datetime
import uuid
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model, ModelStatus
from mycovigil.safety import CertificateState


def make_encoder(session: Session, *, dimension: int = 8) -> Encoder:
    digest = uuid.uuid4().hex
    encoder = Encoder(
        name="tiny",
        architecture="pooled-projection",
        weights_digest=digest,
        onnx_digest=digest,
        precision="fp32",
        dimension=dimension,
        preprocessing_digest=digest,
        uri="tiny/fp32",
        licence="MIT",
    )
    session.add(encoder)
    session.flush()
    return encoder


def make_model(
    session: Session,
    *,
    encoder: Encoder | None = None,
    status: ModelStatus = ModelStatus.PRODUCTION,
    version: str | None = None,
    parent: Model | None = None,
    metrics: dict[str, Any] | None = None,
    certified: CertificateState = CertificateState.VALID,
    created_at: datetime.datetime | None = None,
) -> Model:
    """``certified`` is what calibration supported; the state starts there."""
    encoder_id = parent.encoder_id if parent and not encoder else None
    model = Model(
        version=version or f"test-{uuid.uuid4().hex[:8]}",
        encoder_id=encoder_id or (encoder or make_encoder(session)).id,
        parent_id=parent.id if parent else None,
        artifact_uri="models/test/bundle.safetensors",
        artifact_sha256="0" * 64,
        metrics=metrics or {"macro_recall": 0.81, "deadly_missed": 0.02},
        calibration={"method": "temperature", "temperature": 1.3, "ece": 0.021},
        certificate=_certificate(certified),
        certificate_state=certified,
        status=status,
        promoted_at=created_at if status == ModelStatus.PRODUCTION else None,
    )
    if created_at is not None:
        model.created_at = created_at
    session.add(model)
    session.flush()
    return model


def _certificate(state: CertificateState) -> dict[str, Any]:
    certified = state is not CertificateState.NOT_CERTIFIABLE
    return {
        "state": state.value,
        "risk": "deadly_missed",
        "target": 0.05,
        "bound": 0.048 if certified else None,
        "calibration_photos": 240,
        "smallest_certifiable": 1 / 241,
        "statement": "At most 4.8% of deadly photos are neither 'avoid' nor 'cannot tell'."
        if certified
        else "Too few calibration photos to support any bound.",
    }
