"""Reference sets re-weighted to a season: the same photos, in the shares that the season has.

Where no earlier year was logged, autumn's mixture of classes is known all the same (from labels,
or from books); a set drawn in these shares lets a changed mixture be calm.
"""

import uuid
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.references.copy_photos import COPIED
from mycovigil.references.reference_set import (
    LEAST_ROWS,
    NotUsable,
    not_of_demo,
    seal,
    within,
)
from mycovigil.references.window import Window


def reweighted(
    session: Session,
    base: ReferenceSet,
    shares: Mapping[str, float],
    *,
    name: str,
    months: Sequence[int] | None = None,
    seed: int = 0,
) -> ReferenceSet:
    """A draft of as many samples of ``base`` as come in these shares of classes, each at most
    once. A sample's class is its label, or else what the model predicted.

    Raises:
        NotUsable: shares that are none, or too few samples for them.
    """
    wanted = _checked(shares)
    chosen = _drawn(_classes(session, base.id), wanted, np.random.default_rng(seed))
    if len(chosen) < LEAST_ROWS:
        raise NotUsable(
            f"only {len(chosen)} samples of {base.name} come in these shares, at least "
            f"{LEAST_ROWS} are needed: a class that is wanted often is rare in it"
        )
    made = ReferenceSet(
        id=new_id(),
        name=name,
        source="mixture",
        model_id=base.model_id,
        encoder_id=base.encoder_id,
        content_hash="",
        rows=len(chosen),
        months=sorted(set(months)) if months else None,
        recipe={"kind": "mixture", "of": [str(base.id)], "shares": wanted, "seed": seed},
    )
    session.add(made)
    session.flush()
    _copy(session, base.id, made.id, chosen)
    seal(session, made)
    return made


def predicted_shares(
    session: Session, encoder_id: uuid.UUID, spans: Sequence[Window]
) -> dict[str, float]:
    """Shares of predicted classes over stretches of production, by any model of the encoder but the
    demo model.

    Raises:
        NotUsable: nothing was predicted then.
    """
    rows = session.execute(
        select(Prediction.label, func.count())
        .where(Prediction.encoder_id == encoder_id, not_of_demo(), within(spans))
        .group_by(Prediction.label)
    ).all()
    total = sum(count for _, count in rows)
    if not total:
        raise NotUsable("nothing was predicted in those months of earlier years")
    return {label: count / total for label, count in rows}


def _checked(shares: Mapping[str, float]) -> dict[str, float]:
    known = {name.value for name in CLASSES}
    unknown = sorted(set(shares) - known)
    if unknown:
        raise NotUsable(f"no class is called {', '.join(unknown)}; there are {sorted(known)}")
    total = sum(shares.values())
    if min(shares.values(), default=0.0) < 0 or total <= 0:
        raise NotUsable("shares must not be negative, and one must be positive")
    return {name: share / total for name, share in shares.items() if share > 0}


def _classes(session: Session, owner: uuid.UUID) -> dict[str, NDArray[np.int64]]:
    """Ordinals by class."""
    rows = session.execute(
        select(ReferenceSample.ordinal, ReferenceSample.label, ReferenceSample.probabilities)
        .where(ReferenceSample.reference_set_id == owner)
        .order_by(ReferenceSample.ordinal)
    )
    found: dict[str, list[int]] = {}
    for ordinal, label, probabilities in rows:
        name = label or CLASSES[int(np.argmax(probabilities))].value
        found.setdefault(name, []).append(ordinal)
    return {name: np.array(ordinals, np.int64) for name, ordinals in found.items()}


def _drawn(
    classes: Mapping[str, NDArray[np.int64]],
    shares: Mapping[str, float],
    generator: np.random.Generator,
) -> list[int]:
    """As many as the scarcest class allows, in the shares wanted."""
    none = np.empty(0, np.int64)
    most = min(int(len(classes.get(name, none)) / share) for name, share in shares.items())
    chosen: list[int] = []
    for name, share in shares.items():
        count = int(most * share)
        if count:
            chosen += generator.choice(classes[name], count, replace=False).tolist()
    return sorted(chosen)


def _copy(session: Session, source: uuid.UUID, owner: uuid.UUID, chosen: list[int]) -> None:
    names = ["label", "species", *COPIED]
    ordinal = func.row_number().over(order_by=ReferenceSample.ordinal) - 1
    rows = select(
        literal(owner), ordinal, *(getattr(ReferenceSample, name) for name in names)
    ).where(ReferenceSample.reference_set_id == source, ReferenceSample.ordinal.in_(chosen))
    columns = ["reference_set_id", "ordinal", *names]
    session.execute(insert(ReferenceSample).from_select(columns, rows))
