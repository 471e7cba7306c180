"""How many specimens of an incident's drifted days have a label, and how many are needed before a
model can learn from them."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.prediction import Label, Prediction
from mycovigil.incidents import incident_days
from mycovigil.models.safety import SafetyClass
from mycovigil.references import ground_truth
from mycovigil.references.window import Window
from mycovigil.settings import TrainingSettings

# Photos whose specimens are counted, the earliest: far more than any retrain waits for.
MOST = 20_000
DANGEROUS = (SafetyClass.POISONOUS, SafetyClass.DEADLY)
# Photos of one session show one specimen.
SPECIMEN: ColumnElement[str] = func.coalesce(Prediction.group_key, cast(Prediction.id, Text))


@dataclass(frozen=True, slots=True)
class Specimens:
    """Numbers of specimens; ``dangerous``: those of them that the model called deadly or poisonous,
    whatever they are."""

    all: int
    dangerous: int

    def reach(self, needed: "Specimens") -> bool:
        """Whether they are enough."""
        return self.all >= needed.all and self.dangerous >= needed.dangerous


def within(session: Session, incident: Incident) -> Specimens:
    """All specimens of the drifted days."""
    return _counted(session, select(), incident)


def labelled(session: Session, incident: Incident, *, before: datetime | None = None) -> Specimens:
    """Specimens of the drifted days that somebody labelled, guesses left out; ``before``: the
    labels that were given before this moment."""
    labels = select().join(Label, Label.prediction_id == Prediction.id)
    labels = labels.where(ground_truth.trusted())
    if before is not None:
        labels = labels.where(Label.created_at < before)
    return _counted(session, labels, incident)


def needed_first(session: Session, incident: Incident, training: TrainingSettings) -> Specimens:
    """What a first candidate needs: all of the days where they are few, and never nothing."""
    there = within(session, incident)
    return Specimens(
        max(1, min(training.labels_needed, there.all)),
        min(training.dangerous_labels_needed, there.dangerous),
    )


def needed_after_refusal(
    session: Session,
    incident: Incident,
    training: TrainingSettings,
    *,
    learned: Specimens,
) -> Specimens | None:
    """Half as many more than the refused candidate had learned from; none where the days have no
    more specimens."""
    there = within(session, incident)
    if there.all <= learned.all:
        return None
    more = math.ceil(training.labels_needed / 2), math.ceil(training.dangerous_labels_needed / 2)
    return Specimens(
        min(learned.all + more[0], there.all),
        min(learned.dangerous + more[1], there.dangerous),
    )


def of_days(encoder_id: uuid.UUID, windows: Sequence[Window]) -> tuple[ColumnElement[bool], ...]:
    """Conditions on predictions: of this encoder, in one of the windows."""
    inside = [
        (Prediction.created_at >= window.start) & (Prediction.created_at < window.end)
        for window in windows
    ]
    return Prediction.encoder_id == encoder_id, or_(*inside)


def _counted(session: Session, chosen: Select[Any], incident: Incident) -> Specimens:
    """Of the first :data:`MOST` photos: more are never asked for. A burst, near-equal photos of one
    key within minutes, is one specimen, as it is in training."""
    # Imported here: the retrain trigger starts without mathematics.
    from mycovigil.references.bursts import Sent, bursts

    model = session.get_one(Model, incident.model_id)
    days = of_days(model.encoder_id, incident_days.drifted(session, incident))
    rows = session.execute(
        chosen.add_columns(
            Prediction.id,
            Prediction.group_key,
            Prediction.key_prefix,
            Prediction.created_at,
            Prediction.fingerprint,
            Prediction.label,
        )
        .where(*days)
        .order_by(Prediction.created_at)
        .limit(MOST)
    ).all()
    alone = [row for row in rows if row.group_key is None and row.key_prefix and row.fingerprint]
    sent = [Sent(str(row.id), row.key_prefix, row.created_at, row.fingerprint) for row in alone]
    burst = {row.id: name for row, name in zip(alone, bursts(sent), strict=True) if name}
    specimens = [row.group_key or burst.get(row.id) or str(row.id) for row in rows]
    risky = {one for one, row in zip(specimens, rows, strict=True) if row.label in DANGEROUS}
    return Specimens(len(set(specimens)), len(risky))
