"""Postgres goes away and comes back: answers go on, and every answer has its row, once."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import httpx
import pytest
from factories.outage import Database, Server, until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve, served
from factories.row import make_row
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil_predictor.connection import Connection
from mycovigil_predictor.log import copy_rows
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.log.spool import Spool, SpoolFull


@pytest.fixture
def database(server_connection: Server, postgres_url: str) -> Iterator[Database]:
    found = Database(server_connection, str(make_url(postgres_url).database))
    yield found
    found.give_back()


def ids(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return [str(one) for one in session.scalars(select(Prediction.id))]


def test_answers_go_on_and_are_drained_exactly_once(
    predictor: Running, engine: Engine, database: Database
) -> None:
    answered = [predictor.predict(make_photo(seed=0)).json()]
    database.take_away()

    for seed in range(1, 6):
        answer = predictor.predict(make_photo(seed=seed))
        assert answer.status_code == 200, answer.text
        answered.append(answer.json())

    assert [document["logged"] for document in answered] == ["database"] + ["spool"] * 5
    until(lambda: predictor.http.get("/readyz").json()["database"] == "spooling")
    assert predictor.http.get("/readyz").json()["spool_rows"] == 5
    assert "mycovigil_predictor_spool_rows 5.0" in predictor.http.get("/metrics").text
    spooled = answered[1]
    looked_up = predictor.http.get(f"/v1/predictions/{spooled['id']}")
    assert looked_up.json() == spooled
    database.give_back()

    until(lambda: predictor.http.get("/readyz").json()["spool_rows"] == 0)
    assert Counter(ids(engine)) == Counter(document["id"] for document in answered)
    assert predictor.predict(make_photo(seed=9)).json()["logged"] == "database"


def test_a_certificate_is_in_doubt_once_the_database_was_away_for_a_night(
    serve: Serve, settings: Settings, production: Model, database: Database
) -> None:
    nights = settings.drift.model_copy(update={"period_seconds": 0.2})
    options = settings.predictor.model_copy(update={"reload_seconds": 0.1})
    running = serve(settings.model_copy(update={"drift": nights, "predictor": options}))

    def certificate() -> str:
        return str(running.predict(make_photo()).json()["certificate"]["state"])

    assert certificate() == "valid"
    database.take_away()
    until(lambda: certificate() == "suspect")
    assert "away for longer than a night" in running.http.get("/readyz").json()["trouble"]
    database.give_back()
    until(lambda: certificate() == "valid")
    assert running.http.get("/readyz").json()["trouble"] is None


def test_a_retry_during_the_outage_is_one_prediction(
    predictor: Running, engine: Engine, database: Database
) -> None:
    predictor.predict(make_photo())
    database.take_away()
    key = {"idempotency-key": "once"}
    answers = [predictor.predict(make_photo(), **key).json()["id"] for _ in range(2)]
    assert len(set(answers)) == 1
    database.give_back()
    until(lambda: predictor.http.get("/readyz").json()["spool_rows"] == 0)
    assert predictor.predict(make_photo(), **key).json()["id"] == answers[0]
    assert len(ids(engine)) == 2


def test_a_full_spool_gives_no_answer_without_a_row(
    serve: Serve, settings: Settings, production: Model, database: Database
) -> None:
    options = settings.predictor.model_copy(update={"spool_max_rows": 1})
    running = serve(settings.model_copy(update={"predictor": options}))
    running.predict(make_photo())
    database.take_away()
    assert running.predict(make_photo()).status_code == 200
    refused = running.predict(make_photo())
    assert refused.status_code == 503
    assert refused.json()["type"].endswith("log-full")
    assert refused.headers["retry-after"]


def test_a_full_disk_is_told_and_recovered_from(
    predictor: Running, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_spool: Spool, _statement: str, _values: object) -> int:
        _spool.trouble = "database or disk is full"
        raise SpoolFull(_spool.trouble)

    write = Spool._write
    predictor.predict(make_photo())
    monkeypatch.setattr(Spool, "_write", full)
    database.take_away()
    refused = predictor.predict(make_photo())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    unready = predictor.http.get("/readyz")
    assert (unready.status_code, unready.json()["type"][-8:]) == (503, "log-full")

    monkeypatch.setattr(Spool, "_write", write)
    until(lambda: predictor.http.get("/readyz").status_code == 200)
    assert predictor.predict(make_photo()).json()["logged"] == "spool"


def test_a_row_that_postgres_refuses_holds_up_no_other(
    serve: Serve, settings: Settings, production: Model, engine: Engine
) -> None:
    rows = [
        replace(make_row(), model_id=production.id, nearest_species=(), request_id=text)
        for text in ("a", "b\0", "c")
    ]
    spool = Spool(settings.predictor.spool_path, most_rows=100)
    spool.put(rows)
    spool.close()

    running = serve(settings)

    until(lambda: running.http.get("/readyz").json()["spool_rows"] == 0)
    assert set(ids(engine)) == {str(rows[0].id), str(rows[2].id)}
    until(lambda: "set_aside_rows 1.0" in running.http.get("/metrics").text)
    told = running.http.get(f"/v1/predictions/{rows[1].id}")
    assert (told.status_code, told.json()["logged"]) == (200, "spool")


def test_a_row_that_was_handed_over_is_answered_though_the_deadline_passed(
    predictor: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = copy_rows.insert

    async def slow(connection: Connection, rows: Sequence[Row]) -> set[uuid.UUID]:
        written = await insert(connection, rows)
        await asyncio.sleep(2.2)
        return written

    monkeypatch.setattr(copy_rows, "insert", slow)
    answer = predictor.predict(make_photo(), **{"x-deadline-seconds": "2"})
    assert answer.status_code == 200, answer.text
    assert ids(engine) == [answer.json()["id"]]


def test_it_starts_without_a_database_and_finds_the_model_later(
    desk: Desk, settings: Settings, production: Model, database: Database
) -> None:
    key = desk.key()
    database.take_away()
    url, stop = served(settings)
    with httpx.Client(base_url=url, trust_env=False) as http:
        try:
            assert http.get("/healthz").status_code == 200
            assert http.get("/readyz").status_code == 503
            headers = {"authorization": f"Bearer {key}", "content-type": "image/jpeg"}
            refused = http.post("/v1/predictions", content=make_photo(), headers=headers)
            assert refused.status_code == 503
            database.give_back()
            until(lambda: http.get("/readyz").status_code == 200)
            answer = http.post("/v1/predictions", content=make_photo(), headers=headers)
            assert answer.status_code == 200, answer.text
        finally:
            stop()
