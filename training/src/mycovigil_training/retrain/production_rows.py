"""Production's own rows with a label, to learn from."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.prediction import ChosenBy, Label, Prediction
from mycovigil.incidents import incident_days
from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.references import ground_truth
from mycovigil.references.bursts import BURST
from mycovigil.references.feature_rows import (
    judged_by_photo,
)
from mycovigil.references.photo_row import PhotoRow
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES
from mycovigil_training.dataset.species import normalised
from mycovigil_training.features.table import FeatureTable, table


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows with ground truth; ``drifted`` (N,) marks those of the drifted nights, ``judged`` (N,)
    those that may be judged on: of one photo, whose label was asked for at random. Photos chosen
    by risk are missed more often than others, and would refute sound models. ``new_days`` (N,)
    marks those since the drift began that the candidate answers."""

    table: FeatureTable
    drifted: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    new_days: NDArray[np.bool_]


def drifted_windows(session: Session, incident_id: uuid.UUID | None) -> list[Window]:
    """The nights (or longer windows) that drifted since the incident began, with the one that
    opened it, in order.

    Raises:
        LookupError: no such incident.
    """
    if incident_id is None:
        return []
    incident = session.get(Incident, incident_id)
    if incident is None:
        raise LookupError(f"there is no incident {incident_id}")
    return incident_days.drifted(session, incident)


def labelled(
    session: Session,
    encoder_id: uuid.UUID,
    windows: Sequence[Window],
    *,
    dimension: int,
    since: datetime.datetime | None = None,
) -> LabelledRows:
    """The photos of every answer of this encoder that somebody labelled, guesses left out. The
    label holds for each photo of the answer.

    Of older answers to several photos only the mean of these was logged: left out without a
    session, for nothing says which other rows hold the same photos.

    Args:
        since: when the drift began that a candidate answers; none if it answers none.
    """
    random = func.bool_or(func.coalesce(Label.chosen_by == ChosenBy.RANDOM, False))
    found = session.execute(
        select(Prediction, Label, random.over(partition_by=Prediction.id))
        .join(Label, Label.prediction_id == Prediction.id)
        .where(
            Prediction.encoder_id == encoder_id,
            ground_truth.trusted(),
            judged_by_photo() | Prediction.group_key.is_not(None),
        )
        .ext(distinct_on(Prediction.id))
        .order_by(Prediction.id, *ground_truth.weightiest_first())
    )
    chosen: list[tuple[Prediction, Label]] = []
    judged, drifted, new_days = [], [], []
    for row, label, at_random in found:
        chosen.append((row, label))
        judged.append(at_random and (row.photos == 1 or row.photo_rows is not None))
        drifted.append(any(window.start <= row.created_at < window.end for window in windows))
        new_days.append(since is not None and row.created_at >= since)
    photos = [len(_photos(row)) for row, _ in chosen]
    marks = (np.repeat(np.asarray(mark, bool), photos) for mark in (drifted, judged, new_days))
    return LabelledRows(_table(chosen, dimension), *marks)


def _table(answers: Sequence[tuple[Prediction, Label]], dimension: int) -> FeatureTable:
    rows = [
        (photo, label, specimen)
        for (row, label), specimen in zip(answers, _specimens(answers), strict=True)
        for photo in _photos(row)
    ]
    return table(
        [_unit(photo.features) for photo, _, _ in rows],
        [_covariates(photo.covariates) for photo, _, _ in rows],
        [CLASSES.index(SafetyClass(label.label)) for _, label, _ in rows],
        [normalised(label.species or "") for _, label, _ in rows],
        [specimen for _, _, specimen in rows],
        [photo.image_sha256 for photo, _, _ in rows],
        dimension=dimension,
        image_keys=[photo.image_key or "" for photo, _, _ in rows],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    features: object
    covariates: Mapping[str, float | None]
    image_sha256: str
    image_key: str | None


def _photos(row: Prediction) -> list[_Photo]:
    """The single photos of an answer, or what was logged of it as a whole; the first is kept."""
    if row.photo_rows is None:
        covariates = {name: getattr(row, name) for name in NAMES}
        return [_Photo(row.features, covariates, row.image_sha256, row.image_key)]
    each = [PhotoRow.of(document) for document in row.photo_rows]
    keys = [row.image_key, *[None] * len(each)]
    return [
        _Photo(photo.features, photo.covariates, photo.image_sha256, key)
        for photo, key in zip(each, keys, strict=False)
    ]


def _specimens(answers: Sequence[tuple[Prediction, Label]]) -> list[str]:
    """The specimen of each answer: its session; without one, its burst of labelled photos from one
    key with one label, each within two minutes of the one before; or else the photo itself."""
    last: dict[tuple[str | None, str], tuple[datetime.datetime, str]] = {}
    found = []
    for row, label in answers:
        name = row.group_key or row.image_sha256
        if row.group_key is None:
            source = (row.key_prefix, label.label)
            before = last.get(source)
            if before is not None and abs(row.created_at - before[0]) <= BURST:
                name = before[1]
            last[source] = row.created_at, name
        found.append(f"production/{name}")
    return found


def _unit(features: object) -> NDArray[np.float32]:
    """Half precision loses a little of the length."""
    vector = np.asarray(features.to_numpy() if hasattr(features, "to_numpy") else features)
    vector = vector.astype(np.float32)
    length = max(float(np.linalg.norm(vector)), 1e-9)
    return np.asarray(vector / length, dtype=np.float32)


def _covariates(named: Mapping[str, float | None]) -> NDArray[np.float64]:
    values = (named[name] for name in NAMES)
    return np.array([np.nan if value is None else float(value) for value in values])
