"""Partitions ahead, old days dropped, old photos forgotten, late rows counted."""

import datetime
from collections.abc import Iterator
from dataclasses import replace

import pytest
from factories.night import FIRST, PERIOD, make_night, make_served, night_of
from factories.report import make_reference_set, make_report
from sqlalchemy import func, insert, inspect, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.db.audit import AuditLine
from mycovigil.db.base import first_id_at, new_id
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.message import InboxMessage, OutboxMessage
from mycovigil.db.prediction import Prediction
from mycovigil.db.reference import ReferenceSample
from mycovigil.db.report import DriftMetric
from mycovigil.postgres import partitions
from mycovigil.settings import Settings, StorageSettings
from mycovigil.storage import Storage, photo_key
from mycovigil_worker.references.fitted import fits_of
from mycovigil_worker.retention import days as retained_days
from mycovigil_worker.retention import files, late_rows, photos, records, run
from mycovigil_worker.state import State

OLD, FRESH, KEPT = (photo_key(letter * 64) for letter in "abc")


def test_partitions_reach_ahead_and_old_days_go(session: Session, settings: Settings) -> None:
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    retained_days.make(session, settings, now)
    days = partitions.existing(session)
    assert now.date() + datetime.timedelta(days=settings.database.partitions_ahead) in days
    later = now + datetime.timedelta(days=settings.storage.prediction_retention_days)
    dropped = retained_days.drop(session, settings, later)
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
    monkeypatch.setattr(retained_days, "LOCK_MILLISECONDS", 20)
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    with state.sessions() as reading:
        reading.execute(select(Prediction.id).limit(1))
        for work in (retained_days.make, retained_days.drop):
            with pytest.raises(OperationalError), state.sessions.begin() as session:
                work(session, state.settings, now + datetime.timedelta(days=1_000))


def test_old_photos_are_forgotten_but_not_those_of_a_reference_set(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        session.execute(update(ReferenceSample).values(image_key=KEPT))
        for key, night in ((OLD, 0), (KEPT, 0), (OLD, 1), (FRESH, 60)):
            make_night(session, served, night_of(night), rows=2, image_key=key, seed=len(key))
            state.storage.write(key, b"a photo")
    assert photos.forget(state, FIRST + 61 * PERIOD) == 1
    assert [state.storage.exists(key) for key in (OLD, FRESH, KEPT)] == [False, True, True]
    assert _image_keys(state) == {None, FRESH, KEPT}


def _columns(row: ReferenceSample) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in inspect(ReferenceSample).columns}


def _image_keys(state: State) -> set[str | None]:
    with state.sessions() as session:
        return set(session.scalars(select(Prediction.image_key)))


def test_a_reference_set_keeps_the_photos_of_production_for_a_bounded_time(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        retired = make_reference_set(session, served.model)
        aged = make_reference_set(session, served.model)
        sample = session.scalars(select(ReferenceSample)).one()
        sample.image_key = KEPT
        session.flush()
        for row, key in ((retired, OLD), (aged, FRESH)):
            given = {"reference_set_id": row.id, "image_key": key}
            session.execute(insert(ReferenceSample).values(_columns(sample) | given))
        for key in (KEPT, OLD, FRESH):
            make_night(session, served, night_of(0), rows=1, image_key=key, seed=ord(key[-5]))
            state.storage.write(key, b"a photo")
        served.reference.frozen_at = retired.frozen_at = aged.frozen_at = FIRST
        aged.source, retired.retired_at = "production", FIRST
    later = FIRST + datetime.timedelta(days=401)
    assert photos.forget(state, later) == 2
    assert [state.storage.exists(key) for key in (KEPT, OLD, FRESH)] == [True, False, False]
    assert _image_keys(state) == {KEPT, None}


def test_a_photo_that_no_row_names_goes_when_its_time_is_over(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        make_night(session, served, night_of(0), rows=1, image_key=KEPT)
    for key in (OLD, KEPT):
        state.storage.write(key, b"a photo")
    now = datetime.datetime.now(tz=datetime.UTC)
    assert photos.delete_unclaimed(state, now) == 0
    assert photos.delete_unclaimed(state, now + 31 * PERIOD) == 1
    assert [state.storage.exists(key) for key in (OLD, KEPT)] == [False, True]


@pytest.mark.whole
def test_more_photos_than_a_statement_has_parameters_are_forgotten(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "BATCH", 40_000)
    monkeypatch.setattr(photos, "deleted", lambda *_: True)
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        make_night(session, served, night_of(0), rows=1, image_key="photos/0.jpg")
        columns = [
            c.name for c in Prediction.__table__.columns if c.name not in ("id", "image_key")
        ]
        names = ", ".join(columns)
        session.execute(
            text(
                f"INSERT INTO predictions (id, image_key, {names}) "
                f"SELECT uuidv7(), 'photos/' || n, {names} FROM predictions, "
                "generate_series(1, 70000) n"
            )
        )
    assert photos.forget(state, FIRST + 61 * PERIOD) == 70_001
    assert _image_keys(state) == {None}


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
    assert files.delete_orphaned_pages(session, storage, now + datetime.timedelta(hours=1)) == 1
    assert [storage.exists(page) for page in pages] == [True, False, True]


def test_fits_of_retired_sets_are_forgotten(session: Session, storage: Storage) -> None:
    served = make_served(session, rows=1)
    gone = make_reference_set(session, served.model)
    gone.retired_at = FIRST
    session.flush()
    fits = [f"{fits_of(row.id)}-0-0.1.1-distance.npz" for row in (served.reference, gone)]
    for fit in fits:
        storage.write(fit, b"a fit")
    assert files.delete_retired_fits(session, storage) == 1
    assert [storage.exists(fit) for fit in fits] == [True, False]
    assert files.delete_retired_fits(session, storage) == 0


def test_logs_of_trainings_are_forgotten(state: State) -> None:
    now = datetime.datetime.now(tz=datetime.UTC)
    assert files.delete_old_logs(state, now) == 0
    log = state.storage.write(f"retrain/{new_id()}/1.log", b"epoch 1")
    assert files.delete_old_logs(state, now + 59 * PERIOD) == 0
    assert state.storage.exists(log)
    run.run(state, now=now + 61 * PERIOD)
    assert not state.storage.exists(log)


def test_a_photo_used_again_stays(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        for night in (0, 60):
            make_night(session, served, night_of(night), rows=1, image_key=OLD)
    assert photos.forget(state, FIRST + 61 * PERIOD) == 0


def test_a_photo_that_cannot_be_deleted_keeps_no_other(state: State) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        for key in ("/no/key", OLD):
            make_night(session, served, night_of(0), rows=1, image_key=key, seed=len(key))
    state.storage.write(OLD, b"a photo")
    assert photos.forget(state, FIRST + 61 * PERIOD) == 1
    assert not state.storage.exists(OLD)
    assert _image_keys(state) == {None, "/no/key"}


def test_rows_of_the_smaller_tables_go_in_batches(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BATCH", 2)
    now = datetime.datetime.now(tz=datetime.UTC)
    moments = {"old": now - 1_200 * PERIOD, "new": now}
    with state.sessions.begin() as session:
        for name, moment in moments.items():
            for number in range(3):
                key = f"{name} {number}"
                session.add_all(
                    (
                        IdempotencyKey(
                            client="c", key=key, fingerprint="f", prediction_id=new_id(),
                            created_at=moment,
                        ),
                        OutboxMessage(
                            topic="alerts", ordering_key=key, event={},
                            created_at=moment, published_at=moment,
                        ),
                        InboxMessage(consumer=key, event_id=new_id(), handled_at=moment),
                        AuditLine(
                            who="w", action="a", subject="s", subject_id=new_id(), detail="",
                            created_at=moment,
                        ),
                    )
                )  # fmt: skip
        waiting = OutboxMessage(
            topic="alerts", ordering_key="waits", event={}, created_at=moments["old"]
        )
        session.add(waiting)
    gone = records.delete_old(state, now)
    assert gone == dict.fromkeys(("idempotency_keys", "outbox", "inbox", "audit_lines"), 3) | {
        "report_requests": 0,
        "encoded_photos": 0,
    }
    with state.sessions() as session:
        assert session.get(OutboxMessage, waiting.id) is not None
        for table in (IdempotencyKey, InboxMessage, AuditLine):
            assert session.scalar(select(func.count()).select_from(table)) == 3


def test_partitions_of_somebody_else_are_left_alone(session: Session, settings: Settings) -> None:
    now = datetime.datetime(2031, 5, 20, 12, tzinfo=datetime.UTC)
    for name, bounds in {
        "predictions_default": "DEFAULT",
        "predictions_2029": "FOR VALUES FROM ('2029-01-01 00:00Z') TO ('2029-06-01 00:00Z')",
        "predictions_20290701": "FOR VALUES FROM ('2029-07-01 00:00Z') TO ('2029-08-01 00:00Z')",
        "old": "FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00Z')",
    }.items():
        session.execute(text(f"CREATE TABLE {name} PARTITION OF predictions {bounds}"))
    retained_days.make(session, settings, now)
    assert partitions.foreign(session) == sorted(
        ("predictions_default", "predictions_2029", "predictions_20290701", "old")
    )
    later = now + datetime.timedelta(days=settings.storage.prediction_retention_days)
    dropped = retained_days.drop(session, settings, later)
    assert now.date() - PERIOD in dropped
    assert len(partitions.foreign(session)) == 4


def test_days_in_partitions_of_somebody_else_can_be_stored_and_are_not_made_again(
    session: Session, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.datetime.now(tz=datetime.UTC)
    retained_days.make(session, settings, now)
    first = now.date() + (settings.database.partitions_ahead + 1) * PERIOD
    middle = f"{first + 4 * PERIOD} 09:30Z"
    for name, begin, end in (("a", f"{first}Z", middle), ("b", middle, f"{first + 8 * PERIOD}Z")):
        bounds = f"FOR VALUES FROM ('{begin}') TO ('{end}')"
        session.execute(text(f"CREATE TABLE {name} PARTITION OF predictions {bounds}"))
    assert partitions.days_ahead(session) == settings.database.partitions_ahead + 8
    caplog.clear()
    for later in range(3):
        retained_days.make(session, settings, now + (later + 5) * PERIOD)
    assert caplog.messages == []
    assert partitions.foreign(session) == ["a", "b"]


def test_a_partition_that_was_taken_off_is_missed_and_named_once(
    session: Session, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Its table has the name of the day, and holds no new row."""
    now = datetime.datetime.now(tz=datetime.UTC)
    retained_days.make(session, settings, now)
    taken = partitions.name_of(now.date() + 3 * PERIOD)
    session.execute(text(f"ALTER TABLE predictions DETACH PARTITION {taken}"))
    assert partitions.days_ahead(session) == 2
    caplog.clear()
    for _ in range(2):
        retained_days.make(session, settings, now)
    (message,) = caplog.messages
    assert f'"{taken}" already exists' in message


@pytest.fixture
def partitions_of_today(state: State) -> Iterator[None]:
    """Made again for other tests on this database, whose days a far future's retention drops."""
    yield
    with state.sessions.begin() as session:
        retained_days.make(session, state.settings, datetime.datetime.now(tz=datetime.UTC))


@pytest.mark.usefixtures("partitions_of_today")
def test_a_part_that_fails_spares_the_others(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of any kind")

    monkeypatch.setattr(late_rows, "count", broken)
    now = datetime.datetime(2031, 5, 20, tzinfo=datetime.UTC)
    with state.sessions.begin() as session:
        retained_days.make(session, state.settings, now)
    days = state.settings.storage.prediction_retention_days + 30
    run.run(state, now=now + datetime.timedelta(days=days))
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
    run.run(replace(state, settings=short), now=FIRST + 2 * PERIOD)
    with state.sessions() as session:
        session.add(report)
        session.refresh(report)
        assert report.late_rows == 9
        assert session.get_one(DriftMetric, (report.id, "late_rows")).value == 9


def test_rows_that_come_after_a_clock_jumped_over_midnight_are_counted_as_late(
    session: Session, settings: Settings
) -> None:
    """The worker's clock said that the day was over at noon, and the day was judged."""
    served = make_served(session, rows=1)
    noon = FIRST + PERIOD / 2
    report = make_report(session, served.model, served.reference, created_at=noon)
    make_night(session, served, night_of(0), rows=10)
    late_rows.count(session, settings, FIRST + PERIOD)
    session.refresh(report)
    assert report.late_rows == 4, "of the ten those at 14:24, 16:48, 19:12 and 21:36"
