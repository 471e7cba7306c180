"""Encoder and model rows."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model, ModelStatus
from mycovigil.models.safety import CertificateStatus


def make_encoder(session: Session, *, dimension: int = 16) -> Encoder:
    token = uuid.uuid4().hex
    encoder = Encoder(
        id=new_id(),
        name="tiny",
        architecture="pooled-projection",
        weights_digest=token,
        onnx_digest=token,
        precision="fp32",
        dimension=dimension,
        preprocessing_digest="p",
        uri="tiny",
        licence="MIT",
    )
    session.add(encoder)
    session.flush()
    return encoder


def make_model(
    session: Session,
    *,
    encoder: Encoder | None = None,
    status: ModelStatus = ModelStatus.CANDIDATE,
    state: CertificateStatus = CertificateStatus.VALID,
    **values: Any,
) -> Model:
    encoder = encoder or make_encoder(session)
    model = Model(
        **{
            "id": new_id(),
            "version": f"m-{uuid.uuid4().hex[:8]}",
            "encoder_id": encoder.id,
            "artifact_uri": "models/x/bundle.safetensors",
            "artifact_sha256": "0" * 64,
            "metrics": {},
            "calibration": {},
            "certificate": {"state": state.value},
            "certificate_state": state,
            "status": status,
        }
        | values
    )
    session.add(model)
    session.flush()
    return model
