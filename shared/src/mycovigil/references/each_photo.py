"""The photos of a window as they are judged: each by itself, each once, and in groups.

An answer to several photos is one row of the log, whose features are a mean: photos that people
sent one by one vary more. So each photo is taken by itself, under one group. A photo that was sent
twice counts once, and near-equal photos of a burst are a group.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mycovigil.postgres.any_of import any_of
from mycovigil.references.bursts import Sent, bursts
from mycovigil.references.feature_rows import (
    ANSWER,
    COVARIATES,
    FINGERPRINT,
    GROUP,
    HALFVEC_HEADER,
    IMAGE,
    IMAGE_KEY,
    KEY_PREFIX,
    LABEL,
    PHOTO_ROWS,
    PHOTOS,
    SENT_AT,
)
from mycovigil.references.photo_row import PhotoRow
from mycovigil.vision.image.covariates import NAMES

Answer = Sequence[Any]


def each_photo(
    session: Session, answers: Sequence[Answer], *, apart_from: Select[Any]
) -> list[Answer]:
    """Rows of single photos, in the columns and the order of the given answers, which a select of
    ``feature_rows.columns(Prediction)`` returned; what is selected after these stays.

    Left out are photos whose hashes ``apart_from`` selects, later rows of the same photo, and
    answers to several photos of which only the mean was logged (before they had rows).
    """
    known = _known(session, answers, apart_from)
    photos = [photo for row in answers for photo in _photos_of(row) if photo[IMAGE] not in known]
    return _grouped(_each_once(photos))


def _known(session: Session, answers: Sequence[Answer], apart_from: Select[Any]) -> Collection[str]:
    """Hashes of photos to leave out; the query of the answers saw those of single photos."""
    hashes = {document["image_sha256"] for row in answers for document in row[PHOTO_ROWS] or ()}
    if not hashes:
        return frozenset()
    column = apart_from.subquery().c[0]
    wanted = any_of(sorted(hashes))
    return set(session.scalars(select(column).where(column == wanted)))


def _photos_of(row: Answer) -> list[Answer]:
    documents = row[PHOTO_ROWS]
    if documents is None:
        return [row] if row[PHOTOS] == 1 else []
    return [
        _single(row, PhotoRow.of(document), kept=number == 0)
        for number, document in enumerate(documents)
    ]


def _single(row: Answer, photo: PhotoRow, *, kept: bool) -> Answer:
    """The answer's row, with what was judged of one of its photos; ``kept``: whether the picture in
    storage is this photo, the first one."""
    values = list(row)
    values[IMAGE_KEY] = row[IMAGE_KEY] if kept else None
    vector = bytes(2 * HALFVEC_HEADER) + photo.features.astype(">f2").tobytes()
    values[1:4] = vector, photo.probabilities, photo.distance
    values[LABEL] = photo.label
    values[COVARIATES : COVARIATES + len(NAMES)] = [photo.covariates[name] for name in NAMES]
    values[IMAGE], values[FINGERPRINT] = photo.image_sha256, photo.fingerprint
    return values


def _each_once(photos: Sequence[Answer]) -> list[Answer]:
    """Each photo once: its earliest row, and of several in one answer the first."""
    first: dict[str, tuple[Any, uuid.UUID, int]] = {}
    for number, photo in enumerate(photos):
        mine = (photo[SENT_AT], photo[ANSWER], number)
        first[photo[IMAGE]] = min(first.get(photo[IMAGE], mine), mine)
    kept = {number for _, _, number in first.values()}
    return [photo for number, photo in enumerate(photos) if number in kept]


def _grouped(photos: list[Answer]) -> list[Answer]:
    """Photos without a session get the group of their answer or burst, if there is one."""
    alone = [
        number
        for number, photo in enumerate(photos)
        if photo[GROUP] is None and photo[KEY_PREFIX] is not None and photo[FINGERPRINT]
    ]
    sent = [
        Sent(str(p[ANSWER]), p[KEY_PREFIX], p[SENT_AT], p[FINGERPRINT])
        for p in (photos[number] for number in alone)
    ]
    for number, name in zip(alone, bursts(sent), strict=True):
        if name is not None:
            photos[number] = [*photos[number][:GROUP], name, *photos[number][GROUP + 1 :]]
    return photos
