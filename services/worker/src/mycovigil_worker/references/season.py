"""Seasonal reference sets: the same months of earlier years, as today's model sees them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models import registry
from mycovigil.references import reference_set
from mycovigil.references.reference_set import MOST_ROWS
from mycovigil.storage import Storage
from mycovigil_statistics.safety.novelty import mean_distance
from mycovigil_worker.references import fitted as references

# Postgres' ``real`` holds nothing between 0 and 1e-37.
SMALLEST = 1e-12


def from_earlier_years(
    session: Session,
    storage: Storage,
    model: Model,
    months: Sequence[int],
    *,
    name: str,
    now: datetime,
    years: int,
    rows: int = MOST_ROWS,
    accept_drift: bool = False,
) -> ReferenceSet:
    """A draft for these months, of what any model with this encoder was sent in them.

    Features are the encoder's and stay; probabilities and distances are this model's, made again
    from its bundle. A photo that the model knows by heart (an anchor) is measured to the others.

    Raises:
        NotUsable: as `mycovigil.references.reference_set.from_production`.
        BundleError, MissingObject: the model's bundle is damaged or gone.
    """
    spans = reference_set.same_months(months, now, years)
    made = reference_set.from_production(
        session,
        model,
        spans,
        name=name,
        rows=rows,
        months=months,
        any_model=True,
        accept_drift=accept_drift,
    )
    made.source = "season"
    made.recipe = made.recipe | {"kind": "season", "months": sorted(set(months)), "years": years}
    _score_again(session, storage, model, made)
    reference_set.seal(session, made)
    return made


def _score_again(session: Session, storage: Storage, model: Model, made: ReferenceSet) -> None:
    bundle = registry.load_bundle(storage, model)
    features = references.loaded(session, made).rows.features
    chances = bundle.probabilities(features).clip(min=SMALLEST)
    distances = mean_distance(features, bundle.anchors, bundle.meta.neighbours, leave_own_out=True)
    ordinals = session.scalars(
        select(ReferenceSample.ordinal)
        .where(ReferenceSample.reference_set_id == made.id)
        .order_by(ReferenceSample.ordinal)
    )
    session.execute(
        update(ReferenceSample),
        [
            {
                "reference_set_id": made.id,
                "ordinal": ordinal,
                "probabilities": row.tolist(),
                "distance": float(far),
            }
            for ordinal, row, far in zip(ordinals, chances, distances, strict=True)
        ],
    )
