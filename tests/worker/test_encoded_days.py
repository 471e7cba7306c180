"""A new encoder's days, sketched from photos that were encoded anew, as at a promotion."""

import datetime
from pathlib import Path

import pytest
from factories.bundle import make_bundle
from factories.kept_photos import make_kept_day, make_new_encoder
from factories.model import make_model
from factories.night import Served, make_night, make_served, night_of
from factories.reference_set import make_reference_set
from sqlalchemy import select, update

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines import geometries
from mycovigil.baselines.baseline import EntryRule
from mycovigil.db.baseline import BaselineDay, BaselineReason, DaySketch
from mycovigil.db.encoder import DayState, EncodedDay
from mycovigil.db.model import Model
from mycovigil.models import bundle as bundles
from mycovigil.reencoding.request import request
from mycovigil_training.reencode import day
from mycovigil_worker.days import baseline_rows, day_rows, geometry, preparation
from mycovigil_worker.references.novelty import NoveltyScale
from mycovigil_worker.state import State

ROWS, DAYS = 24, 3
DIMENSION = 24
SPANS = [night_of(number).span for number in range(DAYS)]


@pytest.fixture
def head(state: State, tmp_path: Path) -> Model:
    """A model on a new encoder, which answered the fourth day; the three before were answered by
    another, and counted in its baseline."""
    with state.sessions.begin() as session:
        old = make_served(session)
        for number in range(DAYS):
            make_kept_day(session, state.storage, old, number, rows=ROWS)
        new = make_new_encoder(session, tmp_path / "new")
        request(session, new, SPANS[0][0].date(), SPANS[-1][0].date(), who="tester")
        bundle = make_bundle(tmp_path / "new")
        head = make_model(
            session,
            encoder=new,
            artifact_uri=state.storage.write(
                bundles.key_of(bundle.meta.version), data := bundle.to_bytes()
            ),
            artifact_sha256=bundles.digest(data),
        )
        served = Served(head, make_reference_set(session, head, rows=120, dimension=DIMENSION))
        make_night(session, served, night_of(DAYS), rows=40, dimension=DIMENSION)
    assert geometry.ensured(state, old.model, NoveltyScale(old.model.id)) is not None
    with state.sessions.begin() as session:
        begun = baselines.begin(session, old.model.encoder_id, reason=BaselineReason.FIRST_DAYS)
        baselines.enter(session, begun, SPANS, EntryRule.START_UP, most=14)
    return head


def encode(state: State, head: Model) -> None:
    for start, _ in SPANS:
        assert day.run(state.settings, head.encoder_id, start.date()) is day.Ending.DONE


def prepared(state: State, head: Model) -> dict[datetime.datetime, str]:
    """Days of the new encoder's baseline by rule, after its night was prepared."""
    found = preparation.prepare(state, head.id, night_of(DAYS), NoveltyScale(head.id))
    assert found.problem is None
    with state.sessions() as session:
        current = baselines.current(session, head.encoder_id)
        assert current is not None
        days = select(BaselineDay).where(BaselineDay.baseline_id == current.id)
        return {row.day_start: row.rule for row in session.scalars(days)}


def test_days_of_the_earlier_baseline_enter_once_their_photos_are_encoded(
    state: State, head: Model
) -> None:
    assert prepared(state, head) == {}
    encode(state, head)
    assert prepared(state, head) == dict.fromkeys(
        (start for start, _ in SPANS), EntryRule.ENCODED_ANEW
    )
    with state.sessions() as session:
        parts = session.execute(
            select(DaySketch.model_id, DaySketch.rows)
            .where(DaySketch.encoder_id == head.encoder_id, DaySketch.day_start < SPANS[-1][1])
            .order_by(DaySketch.day_start)
        ).all()
        spans_have_rows = baseline_rows.of_days(
            session,
            state.storage,
            baselines.current(session, head.encoder_id).id,  # type: ignore[union-attr]
            SPANS,
            datetime.datetime.now(tz=datetime.UTC),
        )
    features = [rows for model_id, rows in parts if model_id is None]
    predictions = [rows for model_id, rows in parts if model_id == head.id]
    assert features == predictions == [ROWS] * DAYS
    assert spans_have_rows is not None
    assert len(spans_have_rows) == DAYS * ROWS


def test_a_day_that_is_not_done_is_not_read(state: State, head: Model) -> None:
    encode(state, head)
    with state.sessions.begin() as session:
        first = EncodedDay.day == SPANS[0][0].date()
        session.execute(update(EncodedDay).where(first).values(state=DayState.RUNNING))
    assert list(prepared(state, head)) == [start for start, _ in SPANS[1:]]
    with state.sessions() as session:
        row = geometries.of_encoder(session, head.encoder_id)
        assert row is not None
        found = day_rows.read(
            session,
            head.encoder_id,
            [*SPANS, night_of(DAYS).span],
            datetime.datetime.now(tz=datetime.UTC),
            geometry_set=row.reference_set_id,
            most=50,
        )
    assert len(found) == 50
    assert found.rows.features.shape[1] == DIMENSION
    assert found.within([SPANS[0]]) is None
