"""A bundle with random weights for a real encoder folder: enough to serve, log and reload."""

import uuid
from pathlib import Path

import numpy as np

from mycovigil.models.bundle import Bundle, BundleMeta, Certificate, Thresholds
from mycovigil.models.safety import CLASSES, CertificateStatus
from mycovigil.vision.encoder.identity import EncoderIdentity

# Hardly ever refuse: a distance is at most 2.
OPEN_THRESHOLDS = Thresholds(
    set_level=(0.8, 0.8, 0.8, 0.95),
    deadly_floor=0.3,
    harm_floor=0.6,
    novelty=1.5,
    not_mushroom=2.0,
)


def make_bundle(
    encoder_folder: Path,
    *,
    version: str | None = None,
    seed: int = 0,
    thresholds: Thresholds = OPEN_THRESHOLDS,
    state: CertificateStatus = CertificateStatus.VALID,
    anchors: int = 32,
) -> Bundle:
    """Another ``seed`` is another head; ``version`` is unique unless given."""
    identity = EncoderIdentity.read(encoder_folder)
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal((anchors, identity.dimension))
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    return Bundle(
        meta=BundleMeta(
            version=version or f"test-{uuid.uuid4().hex[:12]}",
            encoder_uri=str(encoder_folder),
            encoder_name=identity.name,
            encoder_precision=identity.precision,
            onnx_digest=identity.onnx_digest,
            preprocessing_digest=identity.preprocessing_digest,
            dimension=identity.dimension,
            classes=CLASSES,
            thresholds=thresholds,
            certificate=_certificate(state),
            look_alikes={"edible": ["deadly"]},
            metrics={"macro_recall": 0.25},
        ),
        weight=rng.standard_normal((len(CLASSES), identity.dimension)).astype(np.float32),
        bias=np.zeros(len(CLASSES), dtype=np.float32),
        centre=np.zeros(identity.dimension, dtype=np.float32),
        anchors=reference.astype(np.float32),
        species=tuple(f"species {i}" for i in range(anchors)),
    )


def _certificate(state: CertificateStatus) -> Certificate:
    certified = state is not CertificateStatus.NOT_CERTIFIABLE
    return Certificate(
        state=state,
        risk="deadly_missed",
        target=0.05,
        bound=0.05 if certified else None,
        calibration_photos=60,
        smallest_certifiable=1 / 61,
        statement="A certificate for tests." if certified else "Too few photos for a certificate.",
    )
