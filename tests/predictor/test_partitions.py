"""Rows of a day without a partition wait in the spool; answers and other days' rows do not."""

import asyncio
import datetime
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Running, Serve
from factories.row import make_row
from sqlalchemy import Engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at, new_id
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.postgres import grants, partitions
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil_predictor.connection import ReconnectingConnection
from mycovigil_predictor.log.copy_rows import merge
from mycovigil_predictor.log.database_state import DatabaseState
from mycovigil_predictor.log.partitions import PartitionMissing
from mycovigil_predictor.log.prediction_log import Destination, PredictionLog
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool
from mycovigil_predictor.metrics import Metrics

TODAY = datetime.datetime.now(tz=datetime.UTC).date()
YESTERDAY, TOMORROW = (TODAY + datetime.timedelta(days=days) for days in (-1, 1))


@pytest.fixture
def unpartitioned(engine: Engine, clean_database: str) -> Iterator[None]:
    """Today has no partition; it has one again after the test."""
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {partitions.name_of(TODAY)}"))
    yield
    make_partition(engine)


def make_partition(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        partitions.ensure(session, [TODAY])


def row_of(day: datetime.date) -> Row:
    """A row of noon."""
    noon = datetime.datetime.combine(day, datetime.time(12), tzinfo=datetime.UTC)
    random_bits = new_id().int & ((1 << 80) - 1)
    return replace(make_row(), id=uuid.UUID(int=first_id_at(noon).int | random_bits))


def connection_to(settings: Settings) -> ReconnectingConnection:
    url = settings.database.url.get_secret_value()
    return ReconnectingConnection(DatabaseSettings(url=url), name="test", seconds=5)


def ids(engine: Engine) -> list[uuid.UUID]:
    with Session(engine) as session:
        return sorted(session.scalars(select(Prediction.id)))


def test_rows_of_a_day_without_partition_wait_and_others_are_drained(
    serve: Serve, settings: Settings, production: Model, engine: Engine, unpartitioned: None
) -> None:
    earlier, waiting, later = (row_of(day) for day in (YESTERDAY, TODAY, TOMORROW))
    spool = Spool(settings.predictor.spool_path, most_rows=100)
    spool.put([waiting, later, earlier])
    spool.close()

    running = serve(settings)
    key = {"idempotency-key": "k"}
    answers = [running.predict(make_photo(), **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["logged"] for answer in answers] == ["spool", "spool"]
    answered = uuid.UUID(answers[0].json()["id"])
    assert answers[1].json()["id"] == str(answered)
    assert running.http.get(f"/v1/predictions/{answered}").json() == answers[0].json()
    until(lambda: ids(engine) == [earlier.id, later.id])
    until(lambda: running.http.get("/readyz").json()["spool_rows"] == 2)
    ready = running.http.get("/readyz").json()
    assert (ready["status"], ready["database"]) == ("degraded", "reachable")
    assert str(TODAY) in ready["trouble"]
    measured = running.http.get("/metrics").text
    assert "mycovigil_predictor_days_without_partition 1.0" in measured
    assert "mycovigil_predictor_set_aside_rows 0.0" in measured

    make_partition(engine)
    until(lambda: running.http.get("/readyz").json()["status"] == "ready")
    assert running.http.get("/readyz").json()["trouble"] is None
    until(lambda: running.http.get("/readyz").json()["spool_rows"] == 0)
    assert ids(engine) == sorted([earlier.id, waiting.id, answered, later.id])
    assert running.predict(make_photo(), **key).json()["id"] == str(answered)
    assert running.predict(make_photo()).json()["logged"] == "database"
    assert "mycovigil_predictor_days_without_partition 0.0" in running.http.get("/metrics").text


def test_a_partition_that_is_dropped_under_a_running_predictor(
    predictor: Running, engine: Engine
) -> None:
    assert predictor.predict(make_photo()).json()["logged"] == "database"
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {partitions.name_of(TODAY)}"))
    try:
        answer = predictor.predict(make_photo())
        assert (answer.status_code, answer.json()["logged"]) == (200, "spool")
        assert predictor.http.get("/readyz").json()["database"] == "reachable"
    finally:
        make_partition(engine)
    until(lambda: predictor.http.get("/readyz").json()["spool_rows"] == 0)
    assert ids(engine) == [uuid.UUID(answer.json()["id"])]


@pytest.mark.parametrize("bounds", ["DEFAULT", "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"])
def test_rows_of_a_day_in_a_partition_of_somebody_else_are_drained(
    serve: Serve, settings: Settings, production: Model, engine: Engine, bounds: str
) -> None:
    attached = f"({partitions.NAMES.replace('WHERE ours', '')})"
    with engine.begin() as connection:
        for (name,) in connection.execute(text(attached)).all():
            connection.execute(text(f"ALTER TABLE predictions DETACH PARTITION {name}"))
        connection.execute(text(f"CREATE TABLE theirs PARTITION OF predictions {bounds}"))
    try:
        spool = Spool(settings.predictor.spool_path, most_rows=10)
        spooled = row_of(YESTERDAY)
        spool.put([spooled])
        spool.close()
        running = serve(settings)
        answer = running.predict(make_photo()).json()
        assert answer["logged"] == "database"
        until(lambda: ids(engine) == [spooled.id, uuid.UUID(answer["id"])])
        assert running.http.get("/readyz").json()["status"] == "ready"
    finally:
        attach_again(engine)


def attach_again(engine: Engine) -> None:
    """Our partitions instead of somebody else's."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE theirs"))
        tables = text("SELECT relname FROM pg_class WHERE relname ~ '^predictions_[0-9]{8}$'")
        for name in connection.scalars(tables).all():
            day = partitions.day_of(name)
            connection.execute(
                text(
                    f"ALTER TABLE predictions ATTACH PARTITION {name} "
                    f"FOR VALUES FROM ('{day}Z') TO ('{day + datetime.timedelta(days=1)}Z')"
                )
            )


def test_a_full_spool_of_a_day_without_partition_gives_no_answer(
    serve: Serve, settings: Settings, production: Model, unpartitioned: None
) -> None:
    options = settings.predictor.model_copy(update={"spool_max_rows": 1})
    running = serve(settings.model_copy(update={"predictor": options}))
    assert running.predict(make_photo()).status_code == 200
    refused = running.predict(make_photo())
    assert (refused.status_code, refused.json()["type"][-8:]) == (503, "log-full")
    unready = running.http.get("/readyz")
    assert (unready.status_code, unready.json()["type"][-8:]) == (503, "log-full")


def test_a_batch_of_two_days_is_split(
    settings: Settings, engine: Engine, unpartitioned: None
) -> None:
    rows = [row_of(TODAY), row_of(TOMORROW), row_of(TODAY)]
    spool = Spool(settings.predictor.spool_path, most_rows=1)

    database = DatabaseState()

    async def write() -> list[Destination]:
        log = PredictionLog(connection_to(settings), spool, database, Metrics(), capacity=8)
        try:
            return await log._write(rows)
        finally:
            await log.stop()

    expected = [Destination.SPOOL, Destination.DATABASE, Destination.NO_ROOM]
    assert asyncio.run(write()) == expected
    assert (database.away, database.days_without_partition) == (False, frozenset({TODAY}))
    assert [row.id for row in spool.oldest(10)] == [rows[0].id]
    assert ids(engine) == [rows[1].id]
    spool.close()


def test_a_merge_without_partition_is_no_refusal_of_the_row(
    settings: Settings, engine: Engine, unpartitioned: None
) -> None:
    """A refused row would be set aside for good."""

    async def merged() -> None:
        reconnecting = connection_to(settings)
        try:
            async with reconnecting.use() as connection:
                await merge(connection, [row_of(TOMORROW), row_of(TODAY)])
        finally:
            await reconnecting.close()

    with pytest.raises(PartitionMissing):
        asyncio.run(merged())
    assert ids(engine) == []


def test_the_spool_tells_its_days_apart(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    assert spool.days() == []
    rows = [row_of(day) for day in (TOMORROW, YESTERDAY, YESTERDAY)]
    spool.put(rows)
    assert spool.days() == [YESTERDAY, TOMORROW]
    assert [row.id for row in spool.oldest(10, TOMORROW)] == [rows[0].id]
    assert {row.id for row in spool.oldest(10, YESTERDAY)} == {row.id for row in rows[1:]}
    assert spool.oldest(10, TODAY) == []
    spool.close()


def test_the_predictor_owns_nothing_in_the_database(
    serve: Serve, settings: Settings, production: Model, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE visitor LOGIN"))
        for statement in grants.statements("visitor", "predictor"):
            connection.execute(text(statement))
    spool = Spool(settings.predictor.spool_path, most_rows=10)
    spooled = make_row()
    spool.put([spooled])
    spool.close()
    owner = make_url(settings.database.url.get_secret_value())
    url = owner.set(username="visitor").render_as_string(hide_password=False)
    try:
        running = serve(settings.model_copy(update={"database": DatabaseSettings(url=url)}))
        answer = running.predict(make_photo(), **{"idempotency-key": "k"}).json()
        assert answer["logged"] == "database"
        until(lambda: ids(engine) == sorted([spooled.id, uuid.UUID(answer["id"])]))
        label = {"label": "deadly", "confidence": "certain"}
        told = running.http.put(f"/v1/predictions/{answer['id']}/label", json=label)
        assert told.status_code == 200, told.text
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP OWNED BY visitor"))
            connection.execute(text("DROP ROLE visitor"))
