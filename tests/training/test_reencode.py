"""Kept photos of a day encoded anew: each once, whatever is killed, lost, damaged or sent twice."""

import dataclasses
import datetime
import itertools
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.kept_photos import PHOTOS, KeptDay, make_kept_day, make_new_encoder
from factories.night import make_served
from numpy.typing import NDArray
from sqlalchemy import Engine, func, select, update

from mycovigil.db.encoder import EncodedDay, EncodedPhoto
from mycovigil.db.prediction import Prediction
from mycovigil.postgres.engine import Sessions, sessions_of
from mycovigil.reencoding import lease as leases
from mycovigil.reencoding import progress
from mycovigil.reencoding.request import NotPossible, request, waiting
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.vision.image.decode import decode
from mycovigil_training.features.engine import Engine as EncoderEngine
from mycovigil_training.reencode import batches, day
from mycovigil_training.reencode.day import Ending

ROWS = 30
BATCH = 8


@dataclasses.dataclass(frozen=True)
class Case:
    settings: Settings
    sessions: Sessions
    encoder: EncoderEngine
    encoder_id: uuid.UUID
    kept: KeptDay

    def run(self, **options: Any) -> Ending:
        return day.run(self.settings, self.encoder_id, self.kept.day, **options)

    def row(self) -> EncodedDay:
        with self.sessions() as session:
            return session.scalars(select(EncodedDay)).one()

    def features(self) -> dict[str, bytes]:
        """By the key of the photo."""
        query = select(Prediction.image_key, EncodedPhoto.features).join(
            EncodedPhoto, EncodedPhoto.prediction_id == Prediction.id
        )
        with self.sessions() as session:
            return {
                str(key): np.asarray(vector, np.float16).tobytes()
                for key, vector in session.execute(query)
            }


@pytest.fixture
def case(
    settings: Settings,
    clean_database: str,
    engine: Engine,
    storage: Storage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Case:
    monkeypatch.setattr(batches, "BATCH", BATCH)
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        served = make_served(session, rows=1)
        kept = make_kept_day(session, storage, served, 0, rows=ROWS)
        new = make_new_encoder(session, tmp_path / "new")
        assert request(session, new, kept.day, kept.day, who="tester") == 1
    return Case(settings, sessions, EncoderEngine(new.uri), new.id, kept)


def test_every_kept_photo_gets_the_features_of_the_new_encoder(case: Case) -> None:
    assert case.run() is Ending.DONE
    row = case.row()
    assert (row.state, row.total, row.encoded, row.removed) == ("done", ROWS, ROWS, 0)
    identity = case.encoder.identity
    pixels = [
        decode(
            PHOTOS[place % len(PHOTOS)],
            size=identity.image_size,
            max_pixels=10**6,
            resize=identity.resize,
            draft_factor=identity.draft_factor,
        ).pixels
        for place in range(ROWS)
    ]
    expected = case.encoder.encode(np.stack(pixels)).astype(np.float16)
    found = case.features()
    stored = np.stack([np.frombuffer(found[key], np.float16) for key in case.kept.keys])
    np.testing.assert_allclose(stored, expected, atol=1e-3)


def test_a_killed_turn_goes_on_where_it_was_and_the_rows_are_the_same(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count()
    encode = EncoderEngine.encode

    def killed(self: EncoderEngine, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if next(calls) == 2:
            raise KeyboardInterrupt  # nothing is written any more, as by SIGKILL
        return encode(self, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(EncoderEngine, "encode", killed)
        with pytest.raises(KeyboardInterrupt):
            case.run()
    row = case.row()
    assert (row.state, row.encoded, len(case.features())) == ("running", 2 * BATCH, 2 * BATCH)
    assert case.run() is Ending.NOT_MINE  # its lease still holds
    with case.sessions.begin() as session:
        assert waiting(session) == []
        session.execute(update(EncodedDay).values(lease_until=func.now() - leases.LEASE))
        assert waiting(session) == [(case.encoder_id, case.kept.day)]
    before = case.features()
    assert case.run() is Ending.DONE
    row, after = case.row(), case.features()
    assert (row.encoded, len(after)) == (ROWS, ROWS)
    assert {key: after[key] for key in before} == before
    assert case.run() is Ending.NOT_MINE  # delivered once more
    assert case.features() == after


def test_a_worker_that_lost_its_lease_writes_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = EncoderEngine.encode

    def slow(self: EncoderEngine, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with case.sessions.begin() as session:
            session.execute(update(EncodedDay).values(lease_token=EncodedDay.lease_token + 1))
        return encode(self, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(EncoderEngine, "encode", slow)
        assert case.run() is Ending.LEASE_LOST
    assert case.features() == {}
    assert case.row().encoded == 0


def test_removed_and_damaged_photos_are_counted(case: Case, storage: Storage) -> None:
    for key in case.kept.keys[:3]:
        storage.delete(key)
    storage.write(case.kept.keys[3], b"no photo")
    with case.sessions.begin() as session:  # as retention leaves the row
        gone = Prediction.image_key.in_(case.kept.keys[4:6])
        session.execute(update(Prediction).where(gone).values(image_key=None))
    assert case.run() is Ending.DONE
    row = case.row()
    assert (row.encoded, row.removed, row.undecodable) == (ROWS - 6, 5, 1)
    with case.sessions() as session:
        (found,) = progress.of_encoders(session)
    assert (found.share, found.done, found.total, found.removed) == (1.0, 1, ROWS, 5)


def test_a_turn_ends_when_its_time_is_over(case: Case) -> None:
    assert case.run(clock=itertools.count(step=day.TURN_SECONDS / 2).__next__) is Ending.MORE
    row = case.row()
    assert (row.state, row.attempts) == ("waiting", 0)
    assert 0 < row.encoded < ROWS
    with case.sessions() as session:
        (found,) = progress.of_encoders(session)
    assert found.share == pytest.approx(row.encoded / ROWS)
    assert case.run() is Ending.DONE
    assert len(case.features()) == ROWS


def test_an_encoder_that_is_not_here_fails_the_day_until_somebody_asks_again(
    case: Case, tmp_path: Path
) -> None:
    (tmp_path / "new").rename(tmp_path / "away")
    for _ in range(leases.MOST_ATTEMPTS):
        with pytest.raises(FileNotFoundError):
            case.run()
    row = case.row()
    assert row.state == "failed"
    assert "no encoder at" in str(row.problem)
    assert case.run() is Ending.NOT_MINE
    (tmp_path / "away").rename(tmp_path / "new")
    with case.sessions.begin() as session:
        new = make_new_encoder(session, tmp_path / "new")
        assert request(session, new, case.kept.day, case.kept.day, who="tester") == 1
    assert case.run() is Ending.DONE


def test_days_that_cannot_be_asked_for(case: Case, tmp_path: Path) -> None:
    with case.sessions.begin() as session:
        new = make_new_encoder(session, tmp_path / "new")
        first = case.kept.day
        assert request(session, new, first, first, who="tester") == 0  # asked for already
        now = datetime.datetime.now(tz=datetime.UTC).date()
        for last, why in ((now, "not over yet"), (first.replace(year=2020), "before the first")):
            with pytest.raises(NotPossible, match=why):
                request(session, new, first, last, who="tester")
