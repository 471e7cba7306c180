"""Postgres goes away and comes back: answers go on, and every answer has its row, once."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from factories.outage import Database, Server, until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve, served
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings


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
