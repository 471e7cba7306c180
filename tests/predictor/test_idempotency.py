"""An Idempotency-Key stands for one upload."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings


def count(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Prediction)) or 0


def test_retries_are_one_prediction_also_at_once(predictor: Running, engine: Engine) -> None:
    key = {"idempotency-key": "k"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: predictor.predict(make_photo(), **key), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert count(engine) == 1


def test_retries_at_another_process_are_one_prediction(
    serve: Serve, settings: Settings, production: Model, engine: Engine, tmp_path: Path
) -> None:
    first = serve(settings)
    options = settings.predictor.model_copy(update={"spool_path": tmp_path / "other.sqlite"})
    second = serve(settings.model_copy(update={"predictor": options}))
    headers = {"idempotency-key": "k", "authorization": f"Bearer {first.key}"}

    answers = [one.predict(make_photo(), **headers).json() for one in (first, second)]

    assert answers[0]["id"] == answers[1]["id"]
    assert answers[0]["verdict"] == answers[1]["verdict"]
    assert count(engine) == 1


def test_other_photos_under_the_same_key_are_refused(predictor: Running, engine: Engine) -> None:
    key = {"idempotency-key": "k"}
    assert predictor.predict(make_photo(seed=1), **key).status_code == 200
    refused = predictor.predict(make_photo(seed=2), **key)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("idempotency-key-reused")
    assert count(engine) == 1


def test_keys_of_two_clients_do_not_meet(predictor: Running, desk: Desk, engine: Engine) -> None:
    other = {"authorization": f"Bearer {desk.key()}"}
    first = predictor.predict(make_photo(), **{"idempotency-key": "k"}).json()["id"]
    second = predictor.predict(make_photo(), **{"idempotency-key": "k"}, **other).json()["id"]
    assert first != second
    assert count(engine) == 2
