"""The model registry: encoders, candidates, and the one model in production."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.model import Model, ModelStatus, Promotion, PromotionDecision
from mycovigil.models import bundle as bundles
from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CertificateStatus, doubted
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity

# NOTIFY channel of a change of the production model or of its certificate.
CHANNEL = "mycovigil_models"


@dataclass(frozen=True, slots=True)
class Production:
    """The production model with its encoder. ``doubt``: why its certificate is at best suspect,
    whatever the row says; none without a doubt."""

    model: Model
    encoder: Encoder
    doubt: str | None = None

    @property
    def certificate_state(self) -> CertificateStatus:
        return doubted(self.model.certificate_state, self.doubt)

    @property
    def certificate_reason(self) -> str:
        return "; ".join(filter(None, (self.model.certificate_reason, self.doubt)))


def production(session: Session) -> Production | None:
    """The production model, if there is one."""
    row = session.execute(
        select(Model, Encoder)
        .join(Encoder, Model.encoder_id == Encoder.id)
        .where(Model.status == ModelStatus.PRODUCTION)
    ).first()
    return Production(model=row[0], encoder=row[1]) if row else None


def first_certified(session: Session, encoder_id: uuid.UUID) -> Model | None:
    """The first model of the encoder that went live with a bound on missed deadly mushrooms, the
    demo model left out: what every later candidate of this encoder is compared with, too."""
    return session.scalar(
        select(Model)
        .join(Promotion, Promotion.model_id == Model.id)
        .where(
            Model.encoder_id == encoder_id,
            Model.demo.is_(False),
            Model.certificate["bound"].as_float().is_not(None),
            Promotion.decision.in_((PromotionDecision.INITIAL, PromotionDecision.PASSED)),
        )
        .order_by(Promotion.created_at, Promotion.id)
        .limit(1)
    )


def register_encoder(session: Session, identity: EncoderIdentity, uri: str | Path) -> uuid.UUID:
    """The id of the encoder with these digests, made if new."""
    values = identity.model_dump(
        include={
            "name",
            "architecture",
            "weights_digest",
            "onnx_digest",
            "precision",
            "dimension",
            "preprocessing_digest",
            "licence",
        }
    )
    session.execute(insert(Encoder).values(uri=str(uri), **values).on_conflict_do_nothing())
    found = session.scalar(
        select(Encoder.id).where(
            Encoder.onnx_digest == identity.onnx_digest,
            Encoder.preprocessing_digest == identity.preprocessing_digest,
        )
    )
    if found is None:
        raise LookupError(f"encoder {identity.name} vanished while it was registered")
    return found


def register_model(
    session: Session,
    storage: Storage,
    bundle: Bundle,
    *,
    encoder_id: uuid.UUID,
    parent_id: uuid.UUID | None,
    demo: bool = False,
) -> Model:
    """Store the bundle and add its candidate row."""
    data = bundle.to_bytes()
    meta = bundle.meta
    model = Model(
        version=meta.version,
        encoder_id=encoder_id,
        parent_id=parent_id,
        artifact_uri=storage.write(bundles.key_of(meta.version), data),
        artifact_sha256=bundles.digest(data),
        metrics=meta.metrics,
        calibration=meta.calibration,
        certificate=meta.certificate.model_dump(mode="json"),
        certificate_state=meta.certificate.state,
        certificate_reason=meta.certificate.doubt or "",
        status=ModelStatus.CANDIDATE,
        demo=demo,
    )
    session.add(model)
    session.flush()
    return model


def load_bundle(storage: Storage, model: Model) -> Bundle:
    """The model's bundle, checked against the registered digest.

    Raises:
        BundleError: the stored bytes are not the registered ones.
        MissingObject: they are gone.
    """
    return Bundle.from_bytes(storage.read(model.artifact_uri), sha256=model.artifact_sha256)


def announce(session: Session) -> None:
    """Wake the predictors when the caller's transaction commits."""
    session.execute(text(f"NOTIFY {CHANNEL}"))
