"""The registry at one moment, as far as the predictor follows it."""

import uuid
from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.incidents import monitoring
from mycovigil.models import answer_stop, registry
from mycovigil.models.registry import Production
from mycovigil.settings import DriftSettings


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The production model, the row of the model that is served, and why answers are stopped, if
    they are."""

    production: Production | None
    served: Model | None
    stop: str | None = None

    @classmethod
    def read(cls, session: Session, served_id: uuid.UUID | None, drift: DriftSettings) -> Self:
        """Both, with a doubt about the certificate where nights are not judged in time."""
        served = session.get(Model, served_id) if served_id else None
        production = registry.production(session)
        if production is not None:
            doubt = monitoring.lapse(session, production.model.id, drift)
            production = replace(production, doubt=doubt)
        stop = answer_stop.in_force(session)
        return cls(production, served, stop.reason if stop else None)
