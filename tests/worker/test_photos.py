"""Rows are what was judged: each photo of an answer by itself, each once, bursts as groups."""

import datetime
import uuid
from collections import Counter
from typing import Any

import numpy as np
import pytest
from factories.baseline import make_baseline
from factories.night import DIMENSION, FIRST, PERIOD, Served, make_night, make_served, night_of
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftReport
from mycovigil.references import reference_set
from mycovigil.references.feature_rows import Rows
from mycovigil.references.photo_row import PhotoRow
from mycovigil.references.window import Window
from mycovigil.vision.image.covariates import NAMES
from mycovigil_worker.judging.sample import sampled
from mycovigil_worker.judging.window_totals import summed
from mycovigil_worker.nights import nightly
from mycovigil_worker.nights.replay import replayed
from mycovigil_worker.state import State

pytestmark = pytest.mark.usefixtures("brief_pages", "brief_harm")
HOUR = datetime.timedelta(hours=1)
PHOTOS = 3


def join_photos(session: Session) -> None:
    """Make answers of three photos of the rows of each night, three by three: the first row is the
    answer, its features the mean, and each of the three a photo of it."""
    rows = session.scalars(select(Prediction).order_by(Prediction.created_at)).all()
    for first in range(0, len(rows) - PHOTOS + 1, PHOTOS):
        answer, *others = rows[first : first + PHOTOS]
        photos = [photo_row(row) for row in (answer, *others)]
        answer.features = np.mean([photo.features for photo in photos], axis=0)
        answer.photos = PHOTOS
        answer.photo_rows = [photo.document() for photo in photos]
        answer.key_prefix, answer.fingerprint = "myco_key", photos[0].fingerprint
        answer.image_sha256 = f"{uuid.uuid4().hex:0>64}"
        for row in others:
            session.delete(row)


def photo_row(row: Prediction) -> PhotoRow:
    rng = np.random.default_rng(row.id.int & 0xFFFFFFFF)
    return PhotoRow(
        features=np.asarray(row.features, np.float32),
        probabilities=list(row.probabilities),
        label=row.label,
        distance=row.distance,
        image_sha256=row.image_sha256,
        covariates={name: getattr(row, name) for name in NAMES},
        fingerprint=rng.bytes(56),
    )


def read(session: Session, served: Served, limit: int = 5_000, **values: Any) -> Rows:
    as_of = FIRST + 9 * PERIOD
    reference = served.reference.id
    return sampled(
        session, served.model.id, night_of(0), limit, as_of, reference_set_id=reference, **values
    )


def test_nights_of_answers_to_three_photos_are_calm(state: State) -> None:
    """Their means vary less than the single photos of the reference: every such night alarmed."""
    nights = 4
    with state.sessions.begin() as session:
        served = make_served(session)
        for number in range(nights):
            make_night(session, served, night_of(number), rows=180)
        session.flush()
        join_photos(session)
    make_baseline(state)
    nightly.run(state, now=FIRST + nights * PERIOD + HOUR)
    with state.sessions() as session:
        reports = session.scalars(select(DriftReport).where(DriftReport.periods == 1)).all()
        assert [(row.rows, row.sampled_rows) for row in reports] == [(180, 180)] * nights
        assert [row.inputs["units"] for row in reports] == [60] * nights
        assert {row.verdict for row in reports} == {"calm"}
        assert min(row.p_value or 0 for row in reports) > 0.01
        assert replayed(session, state.storage, reports[0].id).reproduced


def test_an_answer_is_shown_once_in_the_gallery_of_a_drift(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session)
        make_night(session, served, night_of(0), rows=120, shift=1.0)
        session.flush()
        join_photos(session)
    make_baseline(state)
    nightly.run(state, now=FIRST + PERIOD + HOUR)
    with state.sessions() as session:
        report = session.scalars(select(DriftReport)).one()
    assert report.verdict == "drift"
    shown = [photo["prediction_id"] for photo in report.gallery]
    assert len(shown) == len(set(shown)) > 5
    for cluster in report.evidence["clusters"]:
        assert len(cluster["photos"]) == len(set(cluster["photos"]))


def test_photos_of_an_answer_are_read_as_they_were_judged(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=60)
    session.flush()
    alone = {row.image_sha256: row for row in session.scalars(select(Prediction))}
    expected = {key: np.asarray(row.features, np.float32) for key, row in alone.items()}
    join_photos(session)
    session.flush()
    rows = read(session, served)
    assert len(rows) == 60
    assert len(set(rows.keys)) == len(set(rows.groups)) == 20
    assert all(rows.groups)
    assert rows.features.shape == (60, DIMENSION)
    want = np.stack(list(expected.values()))
    want = want[np.argsort(want[:, 0], kind="stable")]
    got = rows.features[np.argsort(rows.features[:, 0], kind="stable")]
    assert got == pytest.approx(want, abs=2e-3)


def totals(session: Session, served: Served) -> Any:
    return summed(
        session,
        served.model.id,
        night_of(0),
        encoder_id=served.model.encoder_id,
        reference_set_id=served.reference.id,
        late_after=FIRST + 9 * PERIOD,
        novelty=0.25,
        as_of=FIRST + 9 * PERIOD,
    )


def test_sums_count_photos(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=60)
    session.flush()
    before = totals(session, served)
    join_photos(session)
    session.flush()
    after = totals(session, served)
    assert (after.rows, after.novel, after.predicted) == (60, before.novel, before.predicted)
    for name in NAMES:
        assert after.covariates[name].mean == pytest.approx(before.covariates[name].mean)


def test_a_photo_that_the_reference_set_holds_is_left_out_of_its_answer(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=60)
    session.flush()
    held = session.scalars(select(Prediction.image_sha256).limit(2)).all()
    join_photos(session)
    for ordinal, image in enumerate(held):
        session.execute(
            update(ReferenceSample)
            .where(
                ReferenceSample.reference_set_id == served.reference.id,
                ReferenceSample.ordinal == ordinal,
            )
            .values(image_sha256=image)
        )
    assert len(read(session, served)) == 58
    found = totals(session, served)
    assert (found.rows, found.known) == (58, 2)


def test_answers_of_before_hold_a_mean_and_are_left_out(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=60)
    make_night(session, served, night_of(0), rows=30, seed=5, photos=3)
    assert len(read(session, served)) == 60
    assert len(read(session, served, as_logged=True)) == 90
    found = totals(session, served)
    assert (found.rows, found.pooled) == (60, 30)


def test_a_photo_sent_twice_counts_once(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=80)
    session.flush()
    rows = session.scalars(select(Prediction).order_by(Prediction.created_at)).all()
    for earlier, later in zip(rows[:20], rows[60:], strict=True):
        later.image_sha256 = earlier.image_sha256
    session.flush()
    found = read(session, served)
    assert set(found.keys) == {row.id for row in rows[:60]}
    few = read(session, served, limit=70)
    assert set(few.keys) <= {row.id for row in rows[:60]}
    assert len(few) > 45
    assert len(read(session, served, as_logged=True)) == 80


def test_near_equal_photos_of_one_key_within_minutes_are_a_group(session: Session) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=720)  # one in two minutes
    session.flush()
    rng = np.random.default_rng(3)
    rows = session.scalars(select(Prediction).order_by(Prediction.created_at)).all()
    for row in rows:
        row.key_prefix, row.fingerprint = "myco_a", rng.bytes(56)
    near = rows[10].fingerprint or b""
    for row in rows[11:14]:
        row.fingerprint = bytes([near[0] ^ 3]) + near[1:]
    rows[12].key_prefix = "myco_b"  # somebody else
    rows[30].fingerprint = near  # much later
    rows[13].group_key = "myco_a/walk"  # a session says more
    session.flush()
    found = read(session, served)
    groups = dict(zip(found.keys, found.groups, strict=True))
    assert {row.id: groups[row.id] for row in rows if groups[row.id]} == {
        rows[10].id: f"photos/{rows[10].id}",
        rows[11].id: f"photos/{rows[10].id}",
        rows[13].id: "myco_a/walk",
    }
    assert found.dependent is not None


def test_a_reference_set_of_production_holds_photos_under_their_answers_label(
    session: Session,
) -> None:
    served = make_served(session)
    make_night(session, served, night_of(0), rows=90)
    session.flush()
    join_photos(session)
    make_night(session, served, night_of(1), rows=60)
    session.flush()
    answer = session.scalars(select(Prediction).where(Prediction.photos == PHOTOS)).first()
    assert answer is not None
    session.add(
        Label(
            id=new_id(),
            prediction_id=answer.id,
            label="deadly",
            species="Amanita phalloides",
            confidence="certain",
            labelled_by="expert",
        )
    )
    session.flush()
    span = Window(FIRST, FIRST + 2 * PERIOD)
    made = reference_set.from_production(session, served.model, [span], name="two nights")
    samples = session.scalars(
        select(ReferenceSample).where(ReferenceSample.reference_set_id == made.id)
    ).all()
    assert made.rows == len(samples) == 150
    assert sorted(sample.ordinal for sample in samples) == list(range(150))
    groups = Counter(sample.group_key for sample in samples if sample.group_key)
    assert len(groups) == 30
    assert set(groups.values()) == {PHOTOS}
    labelled = [sample for sample in samples if sample.label]
    assert {sample.group_key for sample in labelled} == {f"photos/{answer.id}"}
    assert [sample.species for sample in labelled] == ["Amanita phalloides"] * PHOTOS
    held = {document["image_sha256"] for document in answer.photo_rows or []}
    assert {sample.image_sha256 for sample in labelled} == held
