"""A model that serves, its reference set, and nights of traffic from the same distribution."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
from factories.model import make_encoder, make_model
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at, new_id
from mycovigil.db.model import Model, ModelStatus, Promotion, PromotionDecision
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models.safety import CLASSES
from mycovigil.postgres import partitions
from mycovigil.references.feature_rows import Rows
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES

DIMENSION = 16
PERIOD = datetime.timedelta(days=1)
FIRST = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)


def id_at(moment: datetime.datetime) -> uuid.UUID:
    """A prediction's id: its instant is its row's ``created_at``."""
    return uuid.UUID(int=first_id_at(moment).int | new_id().int & ((1 << 80) - 1))


def night_of(number: int) -> Window:
    """Night ``number`` of September 2026."""
    return Window(FIRST + number * PERIOD, FIRST + (number + 1) * PERIOD)


@dataclass(frozen=True)
class Served:
    """A production model with the set that its nights are judged against."""

    model: Model
    reference: ReferenceSet


def make_served(
    session: Session,
    *,
    rows: int = 400,
    dimension: int = DIMENSION,
    seed: int = 1,
    since: datetime.datetime = FIRST,
    frozen: bool = True,
) -> Served:
    """A model promoted at ``since``, with a reference set of ``rows``."""
    encoder = make_encoder(session, dimension=dimension)
    model = make_model(session, encoder=encoder, status=ModelStatus.PRODUCTION, promoted_at=since)
    session.add(
        Promotion(
            id=new_id(),
            model_id=model.id,
            decision=PromotionDecision.INITIAL,
            evidence={},
            decided_by="test",
            created_at=since,
        )
    )
    reference = ReferenceSet(
        id=new_id(),
        name="reference",
        source="training",
        model_id=model.id,
        encoder_id=encoder.id,
        content_hash=uuid.uuid4().hex,
        rows=rows,
        created_at=since,
        frozen_at=since if frozen else None,
    )
    session.add(reference)
    session.flush()
    rng = np.random.default_rng(seed)
    samples = [
        {"reference_set_id": reference.id, "ordinal": ordinal, "species": "Russula"}
        | _row(rng, dimension)
        for ordinal in range(rows)
    ]
    session.execute(insert(ReferenceSample), samples)
    return Served(model, reference)


def make_night(
    session: Session,
    served: Served,
    window: Window,
    *,
    rows: int = 120,
    shift: float | NDArray[np.float64] = 0.0,
    seed: int = 2,
    delay: datetime.timedelta = datetime.timedelta(),
    dimension: int = DIMENSION,
    **values: Any,
) -> None:
    """``rows`` predictions over the window, the features moved by ``shift`` sd, logged after
    ``delay``; ``values`` replace columns."""
    first, last = window.start.date(), window.end.date()
    days = [first + datetime.timedelta(days=n) for n in range((last - first).days + 1)]
    partitions.ensure(session, days)
    rng = np.random.default_rng((seed, int(window.start.timestamp())))
    model = served.model
    moments = [window.start + (window.end - window.start) * (n / rows) for n in range(rows)]
    predictions = [
        {
            "id": id_at(moment),
            "created_at": moment,
            "logged_at": moment + delay,
            "request_id": "r",
            "client": "page",
            "model_id": model.id,
            "encoder_id": model.encoder_id,
            "prediction_set": ["edible"],
            "verdict": "cannot_tell",
            "certificate": "valid",
            "reasons": [],
            "image_sha256": f"{uuid.uuid4().hex:0>64}",
            "sample_key": float(rng.random()),
            "latency_ms": 5.0,
        }
        | _row(rng, dimension, shift)
        | values
        for moment in moments
    ]
    if predictions:
        session.execute(insert(Prediction), predictions)


def rows_of(
    rng: np.random.Generator, count: int, *, dimension: int = DIMENSION, shift: float = 0.0
) -> Rows:
    """The arrays of ``count`` photos that are in no table."""
    drawn = [_row(rng, dimension, shift) for _ in range(count)]
    return Rows(
        keys=list(range(count)),
        features=np.array([row["features"] for row in drawn], np.float32),
        probabilities=np.array([row["probabilities"] for row in drawn], np.float32),
        covariates=np.array([[row[name] for name in NAMES] for row in drawn], np.float32),
        distances=np.array([row["distance"] for row in drawn], np.float32),
        groups=[None] * count,
        labels=[row["label"] for row in drawn],
    )


def _row(
    rng: np.random.Generator, dimension: int, shift: float | NDArray[np.float64] = 0.0
) -> dict[str, Any]:
    """Features, probabilities and covariates of one photo."""
    features = rng.standard_normal(dimension) + shift
    probabilities = rng.dirichlet(np.full(len(CLASSES), 0.3))
    return {
        "features": features,
        "probabilities": [float(p) for p in probabilities],
        "label": CLASSES[int(probabilities.argmax())].value,
        "distance": float(rng.uniform(0.1, 0.4)),
        "brightness": float(rng.normal(0.45, 0.08)),
        "contrast": float(rng.normal(0.2, 0.03)),
        "sharpness": float(rng.normal(-2.2, 0.3)),
        "colour_temperature": float(rng.normal(5200, 400)),
        "saturation": float(rng.normal(0.3, 0.05)),
        "width": 800,
        "height": 600,
        "jpeg_quality": 90.0,
    }
