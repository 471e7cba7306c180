"""Reference sets with random but plausible rows."""

import datetime
import hashlib

import numpy as np
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models.safety import CLASSES


def make_reference_set(
    session: Session,
    model: Model,
    *,
    rows: int = 12,
    dimension: int = 8,
    seed: int = 0,
    source: str = "training",
    frozen_at: datetime.datetime | None = None,
) -> ReferenceSet:
    """A frozen set of ``rows`` samples; unit features of ``dimension`` around one centre."""
    found = ReferenceSet(
        name=f"{model.version} {source}",
        source=source,
        model_id=model.id,
        encoder_id=model.encoder_id,
        content_hash=hashlib.sha256(f"{seed}{model.id}".encode()).hexdigest(),
        rows=rows,
        frozen_at=frozen_at or datetime.datetime.now(tz=datetime.UTC),
    )
    session.add(found)
    session.flush()
    rng = np.random.default_rng(seed)
    session.add_all(_sample(found, ordinal, rng, dimension) for ordinal in range(rows))
    session.flush()
    return found


def _sample(
    owner: ReferenceSet, ordinal: int, rng: np.random.Generator, dimension: int
) -> ReferenceSample:
    features = rng.standard_normal(dimension) + 1.0
    return ReferenceSample(
        reference_set_id=owner.id,
        ordinal=ordinal,
        features=features / np.linalg.norm(features),
        probabilities=[float(p) for p in rng.dirichlet(np.ones(len(CLASSES)))],
        distance=float(rng.uniform(0.1, 0.4)),
        label=CLASSES[ordinal % len(CLASSES)].value,
        species=f"species {ordinal % 6}",
        group_key=f"specimen {ordinal // 2}",
        brightness=float(rng.normal(0.45, 0.08)),
        contrast=float(rng.normal(0.2, 0.03)),
        sharpness=float(rng.normal(-2.2, 0.3)),
        colour_temperature=float(rng.normal(5200, 400)),
        saturation=float(rng.normal(0.3, 0.05)),
        width=800,
        height=600,
        jpeg_quality=90.0,
    )
