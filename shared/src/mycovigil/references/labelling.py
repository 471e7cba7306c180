"""Give a label to a photo: one a key, and it keeps why the photo was asked about."""

import datetime
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.prediction import Label, LabelRequest
from mycovigil.models.safety import SafetyClass


@dataclass(frozen=True, slots=True)
class Truth:
    """What a person says of a photo; ``confidence``: certain, probable or guess."""

    label: SafetyClass
    confidence: str
    species: str | None = None


def give(
    session: Session, prediction_id: uuid.UUID, truth: Truth, *, name: str, prefix: str
) -> datetime.datetime:
    """Write the label of the key with this name and prefix, or correct its earlier one; returns
    when. That the prediction is still there is for the caller to see. Whoever opened the session
    commits."""
    values = {
        "label": truth.label.value,
        "species": truth.species,
        "confidence": truth.confidence,
    }
    own = {"prediction_id": prediction_id, "labelled_by": name, "key_prefix": prefix}
    _adopt(session, own)
    asked = (
        select(LabelRequest.chosen_by)
        .where(LabelRequest.prediction_id == prediction_id)
        .scalar_subquery()
    )
    return session.execute(
        insert(Label)
        .values(id=new_id(), **own, **values, chosen_by=asked)
        .on_conflict_do_update(
            index_elements=list(own),
            set_=values
            | {"created_at": func.now(), "chosen_by": func.coalesce(asked, Label.chosen_by)},
        )
        .returning(Label.created_at)
    ).scalar_one()


def _adopt(session: Session, own: dict[str, object]) -> None:
    """A label from before keys were noted is that of the first key with its name to return."""
    mine = select(Label.id).filter_by(**own).exists()
    session.execute(
        update(Label)
        .where(
            Label.prediction_id == own["prediction_id"],
            Label.labelled_by == own["labelled_by"],
            Label.key_prefix.is_(None),
            ~mine,
        )
        .values(key_prefix=own["key_prefix"])
    )
