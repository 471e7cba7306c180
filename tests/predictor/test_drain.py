"""The merge of spooled rows into Postgres: each once, whatever its neighbours are."""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from factories.row import make_row
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mycovigil.db.base import first_id_at
from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.prediction import Prediction
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil_predictor.connection import DATABASE_AWAY, ReconnectingConnection
from mycovigil_predictor.log import drain as drains
from mycovigil_predictor.log.database_state import DatabaseState
from mycovigil_predictor.log.drain import Drain
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool
from mycovigil_predictor.metrics import Metrics

LONG_AGO = first_id_at(datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC))


@dataclass
class Bench:
    spool: Spool
    state: DatabaseState
    metrics: Metrics
    url: str

    def turn(self, *, times: int = 1) -> None:
        self.run(lambda drain: drain.turn(), times=times)

    def run(self, step: Callable[[Drain], Awaitable[None]], *, times: int = 1) -> None:
        async def turns() -> None:
            connection = ReconnectingConnection(
                DatabaseSettings(url=self.url), name="drain", seconds=10
            )
            drain = Drain(connection, self.spool, self.state, self.metrics)
            try:
                for _ in range(times):
                    await step(drain)
            finally:
                await drain.close()
            assert connection._connection is None

        asyncio.run(turns())

    @property
    def drained(self) -> float:
        return float(self.metrics.drained._value.get())


@pytest.fixture
def bench(settings: Settings, clean_database: str) -> Iterator[Bench]:
    spool = Spool(settings.predictor.spool_path, most_rows=1_000)
    yield Bench(spool, DatabaseState(), Metrics(), clean_database)
    spool.close()


def written(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return [str(one) for one in session.scalars(select(Prediction.id).order_by(Prediction.id))]


def unwritable(row: Row) -> Row:
    """Postgres' text holds no NUL."""
    return replace(row, client="\x00")


def test_a_refused_row_is_set_aside_and_its_neighbours_are_written(
    bench: Bench, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "MAX_BATCH", 3)
    rows = [make_row() for _ in range(8)]
    rows[1], rows[7] = unwritable(rows[1]), unwritable(rows[7])
    bench.spool.put(rows)
    bench.state.away = True
    bench.turn()
    good = [str(row.id) for number, row in enumerate(rows) if number not in {1, 7}]
    assert written(engine) == sorted(good)
    assert (bench.spool.depth, bench.spool.aside, bench.drained) == (0, 2, 6)
    assert bench.state.away is False
    kept = bench.spool._read("SELECT why FROM aside ORDER BY id")
    assert all("0x00" in why for (why,) in kept)


def test_a_row_that_is_there_already_is_not_written_again(bench: Bench, engine: Engine) -> None:
    """The process died between the commit and the removal from the spool."""
    row = make_row(claim=Claim("client", "key", "fingerprint"))
    for _ in range(2):
        bench.spool.put([row])
        bench.turn()
    assert written(engine) == [str(row.id)]
    assert bench.spool.depth == 0
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


def test_a_day_without_partition_waits_and_holds_up_no_other(bench: Bench, engine: Engine) -> None:
    waiting, row = replace(make_row(), id=LONG_AGO), make_row()
    bench.spool.put([waiting, row])
    bench.turn(times=2)
    assert written(engine) == [str(row.id)]
    assert [one.id for one in bench.spool.oldest(10)] == [waiting.id]
    assert bench.state.days_without_partition == {datetime.date(2021, 1, 1)}
    bench.spool.remove([waiting.id])
    bench.turn()
    assert bench.state.days_without_partition == frozenset()


def test_a_partition_that_goes_while_its_day_is_merged_sets_nothing_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_held(_: object, days: list[datetime.date]) -> set[datetime.date]:
        return set(days)

    monkeypatch.setattr(drains, "days_with_partition", all_held)
    bench.spool.put([replace(make_row(), id=LONG_AGO)])
    bench.turn()
    assert (bench.spool.depth, bench.spool.aside, bench.drained) == (1, 0, 0)


def test_nothing_is_asked_of_postgres_where_nothing_waits(bench: Bench) -> None:
    bench.url = "postgresql://nobody@127.0.0.1:1/nothing"
    bench.turn()
    bench.state.away = True
    with pytest.raises(DATABASE_AWAY):
        bench.turn()
    assert bench.state.away
    bench.state.away = False
    bench.spool.put([make_row()])
    with pytest.raises(DATABASE_AWAY):
        bench.turn()
    assert bench.spool.depth == 1
