"""Production's own rows: the labelled ones to learn from, and those of the drifted nights."""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.prediction import ChosenBy, Label, Prediction
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.references import ground_truth
from mycovigil.references.reference_set import not_of_demo
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES
from mycovigil_training.dataset.species import normalised
from mycovigil_training.features.table import UNLABELLED, FeatureTable, table

BURST = datetime.timedelta(minutes=2)


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
    """The nights (or longer windows) that drifted since the incident began, in order.

    Raises:
        LookupError: no such incident.
    """
    if incident_id is None:
        return []
    incident = session.get(Incident, incident_id)
    if incident is None:
        raise LookupError(f"there is no incident {incident_id}")
    first = session.get_one(DriftReport, incident.report_id)
    reports = session.scalars(
        select(DriftReport)
        .where(
            DriftReport.model_id == incident.model_id,
            DriftReport.verdict == ReportVerdict.DRIFT,
            DriftReport.window_end >= first.window_end,
        )
        .order_by(DriftReport.window_start)
    )
    return [Window(row.window_start, row.window_end, row.periods) for row in reports]


def in_windows(
    session: Session, encoder_id: uuid.UUID, windows: Sequence[Window], *, most: int, dimension: int
) -> FeatureTable:
    """Predictions inside the windows, a random sample (by ``sample_key``) of at most ``most``; the
    demo model's are left out, for the rows become a reference set."""
    found: dict[uuid.UUID, Prediction] = {}
    for window in windows:
        rows = session.scalars(
            select(Prediction)
            .where(
                Prediction.encoder_id == encoder_id,
                not_of_demo(),
                Prediction.created_at >= window.start,
                Prediction.created_at < window.end,
            )
            .order_by(Prediction.sample_key)
            .limit(most)
        )
        found |= {row.id: row for row in rows}
    chosen = sorted(found.values(), key=lambda row: row.sample_key)[:most]
    return _table([(row, None) for row in chosen], dimension)


def labelled(
    session: Session,
    encoder_id: uuid.UUID,
    windows: Sequence[Window],
    *,
    dimension: int,
    since: datetime.datetime | None = None,
) -> LabelledRows:
    """Every prediction of this encoder that somebody labelled, guesses left out, and those of
    several photos at once without a session: nothing says which other rows hold the same photos.

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
            (Prediction.photos == 1) | Prediction.group_key.is_not(None),
        )
        .ext(distinct_on(Prediction.id))
        .order_by(Prediction.id, *ground_truth.weightiest_first())
    )
    chosen: list[tuple[Prediction, Label | None]] = []
    judged, drifted, new_days = [], [], []
    for row, label, at_random in found:
        chosen.append((row, label))
        judged.append(at_random and row.photos == 1)
        drifted.append(any(window.start <= row.created_at < window.end for window in windows))
        new_days.append(since is not None and row.created_at >= since)
    marks = (np.asarray(mark, dtype=bool) for mark in (drifted, judged, new_days))
    return LabelledRows(_table(chosen, dimension), *marks)


def _table(rows: Iterable[tuple[Prediction, Label | None]], dimension: int) -> FeatureTable:
    pairs = list(rows)
    return table(
        [_unit(row.features) for row, _ in pairs],
        [_covariates(row) for row, _ in pairs],
        [CLASSES.index(SafetyClass(label.label)) if label else UNLABELLED for _, label in pairs],
        [normalised(label.species or "") if label else "" for _, label in pairs],
        _specimens(pairs),
        [row.image_sha256 for row, _ in pairs],
        dimension=dimension,
        image_keys=[row.image_key or "" for row, _ in pairs],
    )


def _specimens(pairs: Sequence[tuple[Prediction, Label | None]]) -> list[str]:
    """The specimen of each row: its session; without one, its burst of labelled photos from one
    key with one label, each within two minutes of the one before; or else the photo itself."""
    last: dict[tuple[str | None, str], tuple[datetime.datetime, str]] = {}
    found = []
    for row, label in pairs:
        name = row.group_key or row.image_sha256
        if row.group_key is None and label is not None:
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


def _covariates(row: Prediction) -> NDArray[np.float64]:
    values = (getattr(row, name) for name in NAMES)
    return np.array([np.nan if value is None else float(value) for value in values])
