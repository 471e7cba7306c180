"""Photos that may be asked about: at random, and by three reasons to doubt the model's answer.

The random ones are of specimens that were drawn uniformly, by a hash of what names them, one photo
of each: a draw of photos would ask about a specimen as often as it was photographed, and refute
promises about specimens that hold. A burst of near-equal photos is one specimen. A second look
finds the same. The others are chosen among the first 20,000 photos of the days by ``sample_key``,
which was drawn with each row, one of a specimen, none that is asked about or labelled already; each
list has the most doubtful first.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    case,
    cast,
    func,
    lateral,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from mycovigil.db.alert import Incident
from mycovigil.db.base import first_id_at
from mycovigil.db.model import Model
from mycovigil.db.prediction import ChosenBy, Label, LabelRequest, Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport
from mycovigil.incidents import incident_days
from mycovigil.incidents.label_progress import SPECIMEN, of_days
from mycovigil.models.safety import CLASSES, SafetyClass
from mycovigil.references.bursts import BURST, Sent, bursts

POOL = 20_000
# Photos whose neighbours are looked up, each beside the whole reference set.
COMPARED = 200
NEIGHBOURS = 5
# Clusters of photos that the reference set has less of.
GROWING = ("new", "grown")
ASKED = select(LabelRequest.prediction_id)
# A session is one specimen, and so are the same bytes; as where labels are counted
# (:func:`mycovigil_worker.labels.labelled_photos.answered`).
COUNTED: ColumnElement[str] = func.coalesce(Prediction.group_key, Prediction.image_sha256)
# Of a specimen's photos, or a burst's, that with the lowest is asked about.
PHOTO_HASH = func.sha256(func.convert_to(cast(Prediction.id, Text), "UTF8"))
# Time before and after a photo in which its burst is looked for.
AROUND = 5 * BURST
# Of the hash that draws: another than that of the rows that nights are judged by.
SEED = 1


@dataclass(frozen=True, slots=True)
class Days:
    """Which photos: conditions on predictions; ``reports``: what the nights' reports point at."""

    model: Model
    conditions: tuple[ColumnElement[bool], ...]
    reports: tuple[DriftReport, ...] = ()

    @classmethod
    def of(cls, session: Session, incident: Incident) -> "Days":
        """The drifted days of an incident, and the reports of its nights, newest first."""
        model = session.get_one(Model, incident.model_id)
        windows = incident_days.drifted(session, incident)
        opening = session.get_one(DriftReport, incident.report_id)
        reports = select(DriftReport).where(
            DriftReport.model_id.in_((opening.model_id, model.id)),
            DriftReport.window_start.in_([window.start for window in windows]),
            DriftReport.window_end.in_([window.end for window in windows]),
        )
        newest = session.scalars(reports.order_by(DriftReport.window_end.desc())).all()
        return cls(model, of_days(model.encoder_id, windows), tuple(newest))


def random(session: Session, days: Days, count: int) -> list[uuid.UUID]:
    """Photos of specimens at random, of each that with the lowest hash, whatever was answered;
    those specimens left out that were drawn before. One that was chosen for another reason, or that
    somebody labelled unasked, has its chance like any other."""
    before = ASKED.where(LabelRequest.chosen_by == ChosenBy.RANDOM)
    drawn = select(COUNTED).where(*days.conditions, Prediction.id.in_(before))
    first = (
        select(
            Prediction.id,
            func.hashtextextended(COUNTED, SEED).label("place"),
            COUNTED.label("specimen"),
            PHOTO_HASH.label("photo"),
            case((Prediction.group_key.is_(None), Prediction.key_prefix)).label("key"),
            Prediction.created_at,
            Prediction.fingerprint,
        )
        .where(*days.conditions, COUNTED.not_in(drawn))
        .order_by("place", "specimen", "photo")
        .limit(POOL)
        .subquery()
    )
    one_of_each = (
        select(first.c.id, first.c.key, first.c.created_at, first.c.fingerprint)
        .ext(distinct_on(first.c.place, first.c.specimen))
        .order_by(first.c.place, first.c.specimen, first.c.photo)
    )
    places = (row for row in session.execute(one_of_each).all() if _stands(session, days, *row))
    return [row.id for row in islice(places, count)]


def _stands(
    session: Session,
    days: Days,
    photo: uuid.UUID,
    key: str | None,
    at: datetime,
    fingerprint: bytes | None,
) -> bool:
    """Whether the photo stands for a specimen: alone, or as that with the lowest hash of a burst,
    near-equal photos without a session from one key within minutes. So a burst is as likely to be
    drawn as one photo."""
    if key is None or fingerprint is None:
        return True
    rows = session.execute(
        select(Prediction.id, Prediction.created_at, Prediction.fingerprint, PHOTO_HASH).where(
            *days.conditions,
            Prediction.id >= first_id_at(at - AROUND),  # read by index
            Prediction.id < first_id_at(at + AROUND),
            Prediction.key_prefix == key,
            Prediction.group_key.is_(None),
            Prediction.fingerprint.is_not(None),
        )
    ).all()
    names = bursts([Sent(str(one), key, when, print_) for one, when, print_, _ in rows])
    hashes = {row.id: row[-1] for row in rows}
    of = {row.id: name for row, name in zip(rows, names, strict=True)}
    if of.get(photo) is None:
        return True
    return bool(hashes[photo] == min(hashes[one] for one in of if of[one] == of[photo]))


def doubtful(
    session: Session, days: Days, count: int, *, besides: Sequence[uuid.UUID] = ()
) -> dict[ChosenBy, Iterator[uuid.UUID]]:
    """At most ``count`` photos of each reason, none of a specimen of those ``besides``; a specimen
    may be in more than one list."""
    pool = _pool(days, besides)
    return {
        ChosenBy.RISK: iter(_risky(session, pool, count)),
        ChosenBy.NOVEL_CLUSTER: iter(_novel(session, days, pool, count)),
        ChosenBy.DISAGREEMENT: iter(_disagreeing(session, days, pool, count)),
    }


def _pool(days: Days, besides: Sequence[uuid.UUID]) -> Subquery:
    """Photos to choose from, one a specimen."""
    some = (
        select(Prediction.id, SPECIMEN.label("specimen"))
        .where(*days.conditions)
        .order_by(Prediction.sample_key)
        .limit(POOL)
        .subquery()
    )
    known = select(SPECIMEN).where(
        *days.conditions,
        Prediction.id.in_(ASKED)
        | Prediction.id.in_(select(Label.prediction_id))
        | Prediction.id.in_(besides),
    )
    return (
        select(some.c.id)
        .where(some.c.specimen.not_in(known))
        .ext(distinct_on(some.c.specimen))
        .order_by(some.c.specimen, some.c.id)
        .subquery()
    )


def _among(pool: Subquery, days: Days | None = None) -> Select[Any]:
    photos = select(Prediction.id).join(pool, pool.c.id == Prediction.id)
    return photos if days is None else photos.where(*days.conditions)


def _risky(session: Session, pool: Subquery, count: int) -> list[uuid.UUID]:
    """Most likely deadly or poisonous first: an error there is the worst."""
    poisonous, deadly = (
        Prediction.probabilities[CLASSES.index(name) + 1]
        for name in (SafetyClass.POISONOUS, SafetyClass.DEADLY)
    )
    worst = (poisonous + deadly).desc()
    return list(session.scalars(_among(pool).order_by(worst, Prediction.id).limit(count)))


def _novel(session: Session, days: Days, pool: Subquery, count: int) -> list[uuid.UUID]:
    """Examples of clusters that are new or have grown, then the photos that the drift owes most
    to, then those farthest from all that the model knows."""
    named = list(dict.fromkeys(_named(days.reports)))
    found = set(session.scalars(_among(pool).where(Prediction.id.in_(named))))
    chosen = [identifier for identifier in named if identifier in found]
    farthest = _among(pool).order_by(Prediction.distance.desc(), Prediction.id).limit(count)
    return list(dict.fromkeys([*chosen, *session.scalars(farthest)]))[:count]


def _named(reports: tuple[DriftReport, ...]) -> Iterator[uuid.UUID]:
    for report in reports:
        for cluster in report.evidence.get("clusters", []):
            if cluster["change"] in GROWING:
                yield from map(uuid.UUID, cluster["photos"])
    for report in reports:
        yield from (uuid.UUID(photo["prediction_id"]) for photo in report.gallery)


def _disagreeing(session: Session, days: Days, pool: Subquery, count: int) -> list[uuid.UUID]:
    """Photos whose nearest labelled reference photos are mostly of another class than the model
    says; the surest answers first."""
    reference = session.scalar(
        select(ReferenceSet.id)
        .join(ReferenceSample, ReferenceSample.reference_set_id == ReferenceSet.id)
        .where(
            ReferenceSet.encoder_id == days.model.encoder_id,
            ReferenceSet.frozen_at.is_not(None),
            ReferenceSample.label.is_not(None),
        )
        .order_by(ReferenceSet.frozen_at.desc())
        .limit(1)
    )
    if reference is None:
        return []
    some = _among(pool, days).order_by(Prediction.sample_key).limit(COMPARED).subquery()
    nearest = lateral(
        select(ReferenceSample.label)
        .where(ReferenceSample.reference_set_id == reference, ReferenceSample.label.is_not(None))
        .order_by(ReferenceSample.features.cosine_distance(Prediction.features))
        .limit(NEIGHBOURS)
    )
    majority = func.mode().within_group(nearest.c.label.asc())
    sureness = func.greatest(*(Prediction.probabilities[n + 1] for n in range(len(CLASSES))))
    photos = (
        select(Prediction.id)
        .join(some, some.c.id == Prediction.id)
        .join(nearest, true())
        .where(*days.conditions)
        .group_by(Prediction.id, Prediction.label, Prediction.probabilities)
        .having(majority != Prediction.label)
        .order_by(sureness.desc(), Prediction.id)
        .limit(count)
    )
    return list(session.scalars(photos))
