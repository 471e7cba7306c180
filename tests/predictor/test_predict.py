"""A photo goes in, a row is there, an answer comes out."""

import uuid

import numpy as np
import pytest
from factories.photo import make_photo
from factories.predictor import Running
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.base import instant_of
from mycovigil.db.model import Model
from mycovigil.db.prediction import Label, Prediction
from mycovigil.models.safety import CLASSES


def rows(engine: Engine) -> list[Prediction]:
    with Session(engine) as session:
        return list(session.scalars(select(Prediction).order_by(Prediction.id)))


def test_a_photo_becomes_a_row_and_an_answer(
    predictor: Running, engine: Engine, production: Model
) -> None:
    answer = predictor.predict(make_photo(), **{"x-request-id": "r-1", "x-client-session": "w"})

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"] == "r-1"
    document = answer.json()
    (row,) = rows(engine)
    assert str(row.id) == document["id"]
    assert row.created_at == instant_of(row.id)
    assert (row.request_id, row.client) == ("r-1", "tester")
    assert row.group_key == f"{row.key_prefix}/w", "another app may call its session w too"
    assert row.model_id == production.id == uuid.UUID(document["model"]["id"])
    assert set(document["probabilities"]) == {name.value for name in CLASSES}
    assert sum(document["probabilities"].values()) == pytest.approx(1)
    assert np.linalg.norm(row.features) == pytest.approx(1, abs=1e-3)
    assert (row.width, row.height) == (96, 64)
    assert document["logged"] == "database"
    assert document["verdict"] in {"avoid", "expert_check", "cannot_tell"}


def test_the_look_up_gives_the_same_document(predictor: Running) -> None:
    answer = predictor.predict(make_photo()).json()

    found = predictor.http.get(f"/v1/predictions/{answer['id']}").json()

    told = dict(answer["probabilities"])
    assert found.pop("probabilities") == pytest.approx(answer.pop("probabilities"), abs=1e-6)
    distance = answer.pop("distance_to_reference")
    assert found.pop("distance_to_reference") == pytest.approx(distance, abs=1e-6)
    assert found == answer
    assert told


def test_a_form_with_several_photos_is_one_specimen(predictor: Running, engine: Engine) -> None:
    files = [("files", (f"{i}.jpg", make_photo(seed=i), "image/jpeg")) for i in range(3)]

    answer = predictor.http.post("/v1/predictions", files=files, data={"session": "walk"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["photos"] == 3
    (row,) = rows(engine)
    assert (row.photos, row.group_key) == (3, f"{row.key_prefix}/walk")


def test_a_label_is_kept_and_can_be_corrected(predictor: Running, engine: Engine) -> None:
    identifier = predictor.predict(make_photo()).json()["id"]
    url = f"/v1/predictions/{identifier}/label"

    for label in ("edible", "deadly"):
        body = {"label": label, "species": "Amanita phalloides", "confidence": "certain"}
        answer = predictor.http.put(url, json=body)
        assert answer.status_code == 200, answer.text

    with Session(engine) as session:
        (kept,) = session.scalars(select(Label))
        assert (kept.label, kept.labelled_by) == ("deadly", "tester")
    missing = predictor.http.put(url.replace(identifier, str(uuid.uuid4())), json=body)
    assert missing.status_code == 404


def test_ids_answered_are_rows_logged_under_concurrency(predictor: Running, engine: Engine) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: predictor.predict(make_photo(seed=i)), range(40)))

    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["id"] for answer in answers) == [
        str(row.id) for row in rows(engine)
    ]
