"""Photos that are kept for galleries; an answer does not depend on them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from factories.photo import make_photo
from factories.predictor import Running, Serve
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil.storage import Storage


@pytest.fixture
def keeping(serve: Serve, settings: Settings, production: Model) -> Running:
    options = settings.storage.model_copy(update={"keep_photos": True})
    return serve(settings.model_copy(update={"storage": options}))


def test_one_photo_many_times_at_once(keeping: Running, storage: Storage, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: keeping.predict(make_photo()), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    with Session(engine) as session:
        kept = set(session.scalars(select(Prediction.image_key)))
    assert storage.keys("photos") == list(kept)


def test_without_the_storage_the_answer_is_given_and_a_metric_counts(
    keeping: Running, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    def full(*_args: object, **_named: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(Storage, "write", full)
    assert keeping.predict(make_photo()).status_code == 200
    with Session(engine) as session:
        assert session.scalars(select(Prediction.image_key)).all() == [None]
    assert "unkept_photos_total 1.0" in keeping.http.get("/metrics").text
