"""Partitions ahead, old days dropped, old photos forgotten, late rows counted."""

import datetime
from collections.abc import Iterator
from dataclasses import replace

import pytest
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from factories.report import make_reference_set, make_report
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftMetric
from mycovigil.postgres import partitions
from mycovigil.settings import Settings, StorageSettings
from mycovigil.storage import Storage, photo_key
from mycovigil_worker import retention
from mycovigil_worker.references.fitted import fits_of
from mycovigil_worker.state import State

OLD, FRESH, KEPT = (photo_key(letter * 64) for letter in "abc")


def test_partitions_reach_ahead_and_old_days_go(session: Session, settings: Settings) -> None:
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    retention.make_partitions(session, settings, now)
    days = partitions.existing(session)
    assert now.date() + datetime.timedelta(days=settings.database.partitions_ahead) in days
    later = now + datetime.timedelta(days=settings.storage.prediction_retention_days)
    dropped = retention.drop_days(session, settings, later)
    assert now.date() - PERIOD in dropped
    assert partitions.existing(session)[0] == now.date()


def test_the_days_ahead_are_counted_up_to_the_first_gap(session: Session) -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    partitions.ensure(session, partitions.upcoming(today, 5))
    before = partitions.days_ahead(session)
    assert before >= 5
    gap = partitions.name_of(today + 3 * PERIOD)
    session.execute(text(f"DROP TABLE {gap}"))
    assert partitions.days_ahead(session) == 2
    session.execute(text(f"DROP TABLE {partitions.name_of(today)}"))
    assert partitions.days_ahead(session) == -1


def test_no_insert_waits_behind_a_partition_for_a_night_that_is_read(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOCK_MILLISECONDS", 20)
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    with state.sessions() as reading:
        reading.execute(select(Prediction.id).limit(1))
        for work in (retention.make_partitions, retention.drop_days):
            with pytest.raises(OperationalError), state.sessions.begin() as session:
                work(session, state.settings, now + datetime.timedelta(days=1_000))


def test_old_photos_are_forgotten_but_not_those_of_a_reference_set(
    session: Session, settings: Settings, storage: Storage
) -> None:
    served = make_served(session, rows=1)
    session.execute(update(ReferenceSample).values(image_key=KEPT))
    for key, night in ((OLD, 0), (KEPT, 0), (OLD, 1), (FRESH, 60)):
        make_night(session, served, night_of(night), rows=2, image_key=key, seed=len(key))
        storage.write(key, b"a photo")
    gone = retention.delete_old_photos(session, storage, settings, FIRST + 61 * PERIOD)
    assert gone == 1
    assert [storage.exists(key) for key in (OLD, FRESH, KEPT)] == [False, True, True]
    assert set(session.scalars(select(Prediction.image_key))) == {None, FRESH, KEPT}


def test_pages_of_reports_that_were_never_committed_are_forgotten(
    session: Session, storage: Storage
) -> None:
    served = make_served(session, rows=1)
    now = datetime.datetime.now(tz=datetime.UTC)
    kept = make_report(session, served.model, served.reference)
    old, new = first_id_at(now - 2 * PERIOD), first_id_at(now)
    pages = [f"reports/{report}/evidently.html" for report in (kept.id, old, new)]
    for page in pages:
        storage.write(page, b"a page")
    assert retention.delete_orphaned_pages(session, storage, now + datetime.timedelta(hours=1)) == 1
    assert [storage.exists(page) for page in pages] == [True, False, True]


def test_fits_of_retired_sets_are_forgotten(session: Session, storage: Storage) -> None:
    served = make_served(session, rows=1)
    gone = make_reference_set(session, served.model)
    gone.retired_at = FIRST
    session.flush()
    fits = [f"{fits_of(row.id)}-0-0.1.1-distance.npz" for row in (served.reference, gone)]
    for fit in fits:
        storage.write(fit, b"a fit")
    assert retention.delete_retired_fits(session, storage) == 1
    assert [storage.exists(fit) for fit in fits] == [True, False]
    assert retention.delete_retired_fits(session, storage) == 0


def test_a_photo_used_again_stays(session: Session, settings: Settings, storage: Storage) -> None:
    served = make_served(session, rows=1)
    for night in (0, 60):
        make_night(session, served, night_of(night), rows=1, image_key=OLD)
    assert retention.delete_old_photos(session, storage, settings, FIRST + 61 * PERIOD) == 0


def test_a_photo_that_cannot_be_deleted_keeps_no_other(
    session: Session, settings: Settings, storage: Storage
) -> None:
    served = make_served(session, rows=1)
    for key in ("/no/key", OLD):
        make_night(session, served, night_of(0), rows=1, image_key=key, seed=len(key))
    storage.write(OLD, b"a photo")
    assert retention.delete_old_photos(session, storage, settings, FIRST + 61 * PERIOD) == 1
    assert not storage.exists(OLD)
    assert set(session.scalars(select(Prediction.image_key))) == {None, "/no/key"}


@pytest.fixture
def partitions_of_today(state: State) -> Iterator[None]:
    """Made again for other tests on this database, whose days a far future's retention drops."""
    yield
    with state.sessions.begin() as session:
        retention.make_partitions(session, state.settings, datetime.datetime.now(tz=datetime.UTC))


@pytest.mark.usefixtures("partitions_of_today")
def test_a_part_that_fails_spares_the_others(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of any kind")

    monkeypatch.setattr(retention, "count_late", broken)
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    with state.sessions.begin() as session:
        retention.make_partitions(session, state.settings, now)
    days = state.settings.storage.prediction_retention_days + 30
    retention.run(state, now=now + datetime.timedelta(days=days))
    with state.sessions() as session:
        assert now.date() not in partitions.existing(session)


def test_rows_that_come_after_the_report_are_counted_in_it(state: State) -> None:
    short = state.settings.model_copy(update={"storage": StorageSettings(url="unused")})
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        report = make_report(
            session,
            served.model,
            served.reference,
            created_at=FIRST + PERIOD + datetime.timedelta(hours=1),
        )
        make_night(session, served, night_of(0), rows=9, delay=2 * PERIOD)
    retention.run(replace(state, settings=short), now=FIRST + 2 * PERIOD)
    with state.sessions() as session:
        session.add(report)
        session.refresh(report)
        assert report.late_rows == 9
        assert session.get_one(DriftMetric, (report.id, "late_rows")).value == 9
