"""Clusters that are new, grown, shrunk or gone in a night, with photos of both sides."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport
from mycovigil_drift.dashboard.view_models.gallery import Photo, photo_of
from mycovigil_drift.resources.reports.queries import judged_from

# Photos of one cluster and side.
MOST_PHOTOS = 4


@dataclass(frozen=True, slots=True)
class Cluster:
    """``reference`` and ``night``: its share of the photos; ``photos`` are those of the night,
    ``neighbours`` those of the reference."""

    change: str
    reference: float
    night: float
    p_value: float | None
    photos: list[Photo]
    neighbours: list[Photo]


def of_report(session: Session, report: DriftReport) -> list[Cluster]:
    """The changed clusters of a report, each with at most :data:`MOST_PHOTOS` photos a side."""
    found: list[dict[str, Any]] = report.evidence.get("clusters", [])
    photos = _photos(session, report, (key for row in found for key in _first(row, "photos")))
    samples = _samples(session, report, (n for row in found for n in _first(row, "neighbours")))
    return [
        Cluster(
            change=row["change"],
            reference=row["reference"],
            night=row["night"],
            p_value=row.get("p_value"),
            photos=[photos[key] for key in _first(row, "photos") if key in photos],
            neighbours=[samples[n] for n in _first(row, "neighbours") if n in samples],
        )
        for row in found
    ]


def _first(row: dict[str, Any], name: str) -> list[Any]:
    return list(row.get(name) or [])[:MOST_PHOTOS]


def _photos(session: Session, report: DriftReport, keys: Iterable[str]) -> dict[str, Photo]:
    """By prediction id; the window limits the query to one or two partitions of the table."""
    wanted = [uuid.UUID(key) for key in keys]
    if not wanted:
        return {}
    rows = session.execute(
        select(Prediction.id, Prediction.label, Prediction.image_key).where(
            Prediction.id.in_(wanted),
            Prediction.created_at >= judged_from(report),
            Prediction.created_at < report.window_end,
        )
    )
    return {str(key): photo_of({"image_key": image, "label": label}) for key, label, image in rows}


def _samples(session: Session, report: DriftReport, numbers: Iterable[int]) -> dict[int, Photo]:
    wanted = list(numbers)
    if not wanted or report.reference_set_id is None:
        return {}
    rows = session.execute(
        select(
            ReferenceSample.ordinal,
            ReferenceSample.label,
            ReferenceSample.species,
            ReferenceSample.image_key,
        ).where(
            ReferenceSample.reference_set_id == report.reference_set_id,
            ReferenceSample.ordinal.in_(wanted),
        )
    )
    return {
        ordinal: photo_of({"image_key": image, "label": label, "species": species})
        for ordinal, label, species, image in rows
    }
