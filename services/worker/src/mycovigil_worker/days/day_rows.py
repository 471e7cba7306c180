"""Rows that a day is sketched from: a random sample of whole groups, in bounded memory."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from mycovigil.baselines.sketches import Span
from mycovigil.db.prediction import Prediction
from mycovigil.references.each_photo import each_photo
from mycovigil.references.feature_rows import (
    ANSWER,
    GROUP,
    SENT_AT,
    Rows,
    apart_from,
    assembled,
    columns,
    judged_by_photo,
    photos_of,
)
from mycovigil.references.reference_set import within
from mycovigil.references.window import Window
from mycovigil_worker.days import encoded_anew
from mycovigil_worker.judging.sample import first_ones

# Beyond so many photos the differences between days dominate: more rows say nothing new.
MOST_ROWS = 20_000
BITS = 53


@dataclass(frozen=True, slots=True, eq=False)
class DayRows:
    """Rows of any model of one encoder; ``answering`` (n,): the model that answered each,
    ``moments`` (n,): when, in seconds since the epoch; ``clients`` (n,): who sent each, or empty
    where that was not stored."""

    rows: Rows
    answering: list[uuid.UUID]
    moments: NDArray[np.float64]
    clients: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, numbers: NDArray[np.int64]) -> "DayRows":
        """Some of the rows."""
        chosen = numbers.tolist()
        rows = self.rows
        keys: Any = [rows.keys[n] for n in chosen]
        some = Rows(
            keys=keys,
            features=rows.features[numbers],
            probabilities=rows.probabilities[numbers],
            covariates=rows.covariates[numbers],
            distances=rows.distances[numbers],
            groups=[rows.groups[n] for n in chosen],
            labels=[rows.labels[n] for n in chosen],
        )
        return DayRows(
            some,
            [self.answering[n] for n in chosen],
            self.moments[numbers],
            [self.clients[n] for n in chosen] if self.clients else [],
        )

    def within(self, spans: Sequence[Span]) -> "DayRows | None":
        """Rows of these days alone; none where a day has no row."""
        inside = np.zeros(len(self), bool)
        for start, end in spans:
            here = (self.moments >= start.timestamp()) & (self.moments < end.timestamp())
            if not here.any():
                return None
            inside |= here
        return self.take(np.flatnonzero(inside))


def read(
    session: Session,
    encoder_id: uuid.UUID,
    spans: Sequence[Span],
    as_of: datetime,
    *,
    geometry_set: uuid.UUID,
    most: int = MOST_ROWS,
) -> DayRows:
    """The photos of at most ``most`` answers of the spans that were logged by ``as_of``, each by
    itself and once, without the photos that the geometry was learned from; with those of other
    encoders' answers on days that were encoded anew.

    A unit, a photo or a whole group, is drawn by a number that is uniform on [0, 1) and does not
    depend on its size: ``sample_key`` of a photo, a hash of a group's key.

    Raises:
        MixedFeatures: vectors of different lengths under one encoder.
    """
    logged = (
        Prediction.encoder_id == encoder_id,
        within([Window(start, end) for start, end in spans]),
        Prediction.logged_at <= as_of,
    )
    held = photos_of(geometry_set)
    query = select(*columns(Prediction), *TAIL).where(
        *logged, judged_by_photo(), apart_from(Prediction, held)
    )
    answers: Sequence[Any] = session.execute(_ordered(query, most)).all()
    seen: tuple[ColumnElement[bool], ...] = logged
    if parts := encoded_anew.done(session, encoder_id, spans):
        anew = encoded_anew.selected(encoder_id, as_of, *TAIL).where(
            within([Window(*part) for part in parts]), logged[2], apart_from(Prediction, held)
        )
        others = session.execute(_ordered(anew, most)).all()
        answers = sorted([*answers, *others], key=_place)[: most + 1]
        seen = (or_(logged[0], encoded_anew.is_encoded(encoder_id)), *logged[1:])
    whole = _whole_units([row[GROUP] for row in answers], most)
    if whole < len(answers):  # the days hold more: a repeated photo is drawn more often
        answers = first_ones(session, answers[:whole], *seen)
    photos = each_photo(session, answers, apart_from=held)
    found = assembled(photos)
    return DayRows(
        replace(found, slices={}),
        [row[MODEL] for row in photos],
        np.array([row[SENT_AT].timestamp() for row in photos], np.float64),
        found.slices.get("client", []),
    )


def _ordered(query: Select[Any], most: int) -> Select[Any]:
    order = (_drawn(), Prediction.group_key, Prediction.sample_key, Prediction.id)
    return query.order_by(*order).limit(most + 1)


def _place(row: Any) -> tuple[float, str, float, uuid.UUID]:
    """Of a row in the order of :func:`_ordered`."""
    return row[DRAWN], row[GROUP] or "", row[KEY], row[ANSWER]


def _drawn() -> ColumnElement[float]:
    """Uniform on [0, 1), the same for all rows of a group."""
    mask = literal((1 << BITS) - 1, BigInteger)
    hashed = func.hashtextextended(Prediction.group_key, 0).op("&")(mask)
    uniform = cast(hashed, Float) / float(1 << BITS)
    return case((Prediction.group_key.is_(None), Prediction.sample_key), else_=uniform)


def _whole_units(groups: Sequence[str | None], most: int) -> int:
    """How many of the first rows are whole units; one group beyond ``most`` rows is cut."""
    if len(groups) <= most:
        return len(groups)
    last, whole = groups[most], most
    while whole > 0 and last is not None and groups[whole - 1] == last:
        whole -= 1
    return whole or most


# Selected after the columns of a photo, and their places.
TAIL: tuple[Any, ...] = (Prediction.model_id, _drawn(), Prediction.sample_key)
MODEL, DRAWN, KEY = -3, -2, -1
