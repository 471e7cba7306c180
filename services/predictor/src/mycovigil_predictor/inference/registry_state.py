"""The registry at one moment, as far as the predictor follows it."""

import uuid
from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.incidents import monitoring
from mycovigil.models import registry
from mycovigil.models.registry import Production
from mycovigil.settings import DriftSettings


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The production model, and the row of the model that is served."""

    production: Production | None
    served: Model | None

    @classmethod
    def read(cls, session: Session, served_id: uuid.UUID | None, drift: DriftSettings) -> Self:
        """Both, with a doubt about the certificate where nights are not judged in time."""
        served = session.get(Model, served_id) if served_id else None
        production = registry.production(session)
        if production is not None:
            doubt = monitoring.lapse(session, production.model.id, drift)
            production = replace(production, doubt=doubt)
        return cls(production, served)
