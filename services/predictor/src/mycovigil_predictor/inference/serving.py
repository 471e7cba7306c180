"""What is served at one moment: a model on an encoder. Replaced whole, never changed."""

import uuid
from dataclasses import dataclass, replace
from typing import Self

from mycovigil.db.model import Model
from mycovigil.models.bundle import BundleMeta, Certificate
from mycovigil.models.registry import Production
from mycovigil.models.safety import CertificateStatus, worse
from mycovigil_predictor.inference.advisor import Advisor
from mycovigil_predictor.inference.pipeline import Pipeline

# The packaged encoders, which are for demos and screening; `mini` with any ending.
MINI, LITE = "mini", "lite"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model whose bundle is in memory; ``advisor`` computes with it; ``demo``: it is the
    packaged demo model."""

    model_id: uuid.UUID
    version: str
    meta: BundleMeta
    advisor: Advisor
    demo: bool = False

    @property
    def certificate(self) -> Certificate:
        return self.meta.certificate


@dataclass(frozen=True, slots=True)
class Serving:
    """``certificate_status`` is the registry's of today, the bundle holds that of its training;
    ``monitored``: whether the model is in production and the database within reach, so that a
    drift would be noticed."""

    model: LoadedModel
    encoder_id: uuid.UUID
    certificate_status: CertificateStatus
    certificate_reason: str
    pipeline: Pipeline
    monitored: bool = True

    @property
    def screens_only(self) -> bool:
        """Whether the encoder is a packaged one, which identifies no species; the demo model's
        always is, and a model that was trained on real photos may have it too."""
        identity = self.pipeline.identity
        if identity.name == LITE:
            return True
        return any(name.startswith(MINI) for name in (identity.name, identity.architecture))

    def is_current(self, production: Production) -> bool:
        """Whether answers would be the same under ``production``."""
        return (
            self.monitored
            and self.model.model_id == production.model.id
            and self.certificate_status == production.certificate_state
            and self.certificate_reason == production.certificate_reason
        )

    def with_certificate_of(self, row: Model | None) -> Self:
        """With the status in the model's row; ``void`` if the registry has no such row."""
        if row is None:
            status, reason = CertificateStatus.VOID, "the registry does not know this model"
        else:
            status, reason = CertificateStatus(row.certificate_state), row.certificate_reason
        return replace(self, certificate_status=status, certificate_reason=reason)

    def unmonitored(self, trouble: str) -> Self:
        """At best suspect, because a drift would not be noticed."""
        reason = f"served on, but watched no more: {trouble}"
        return replace(
            self,
            monitored=False,
            certificate_status=worse(self.certificate_status, CertificateStatus.SUSPECT),
            certificate_reason="; ".join(filter(None, (self.certificate_reason, reason))),
        )
