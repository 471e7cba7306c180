"""An operator stops all answers: each becomes ``cannot_tell``, earlier ones when looked up too."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from factories.bundle import make_bundle
from factories.outage import DEADLINE, until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.models import answer_stop
from mycovigil.settings import Settings
from mycovigil_predictor.inference import model_loading, model_reload

REASON = "deadly photos were called edible"


def change(engine: Engine, act: Callable[..., object], reason: str) -> None:
    with Session(engine) as session, session.begin():
        act(session, who="test", reason=reason)


def test_every_answer_becomes_cannot_tell_until_the_stop_ends(
    predictor: Running, production: Model, engine: Engine
) -> None:
    earlier = predictor.predict(make_photo()).json()
    change(engine, answer_stop.begin, REASON)
    until(lambda: predictor.http.get("/readyz").json()["status"] == "degraded")
    assert REASON in predictor.http.get("/readyz").json()["trouble"]
    for seed in range(3):
        answer = predictor.predict(make_photo(seed=seed)).json()
        assert answer["verdict"] == "cannot_tell"
        assert answer["reasons"][0]["code"] == "answers_stopped"
        assert REASON in answer["reasons"][0]["text"]
        assert answer["probabilities"]
    found = predictor.http.get(f"/v1/predictions/{earlier['id']}").json()
    assert (found["verdict"], found["reasons"][0]["code"]) == ("cannot_tell", "answers_stopped")
    change(engine, answer_stop.end, "rolled back")
    until(lambda: predictor.http.get("/readyz").json()["status"] == "ready")
    again = predictor.http.get(f"/v1/predictions/{earlier['id']}").json()
    assert again["verdict"] == earlier["verdict"]
    with Session(engine) as session:
        logged = session.scalars(select(Prediction.verdict).order_by(Prediction.created_at)).all()
    assert logged == [earlier["verdict"], *["cannot_tell"] * 3]


def test_a_stop_does_not_wait_for_a_model_that_takes_long_to_load(
    predictor: Running,
    production: Model,
    desk: Desk,
    tiny: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A storage that hangs just as another model was promoted."""
    asked, goes_on = threading.Event(), threading.Event()
    load = model_loading.load_model

    def slow(*arguments: Any) -> Any:
        asked.set()
        assert goes_on.wait(DEADLINE)
        return load(*arguments)

    monkeypatch.setattr(model_reload, "load_model", slow)
    try:
        newer = desk.promote(make_bundle(tiny, seed=1), tiny)
        assert asked.wait(DEADLINE)
        change(engine, answer_stop.begin, REASON)
        until(lambda: predictor.http.get("/readyz").json()["status"] == "degraded")
        answer = predictor.predict(make_photo()).json()
        assert (answer["verdict"], answer["model"]["id"]) == ("cannot_tell", str(production.id))
    finally:
        goes_on.set()
    until(lambda: predictor.predict(make_photo()).json()["model"]["id"] == str(newer.id))
    assert predictor.predict(make_photo()).json()["verdict"] == "cannot_tell"


def test_a_predictor_that_starts_during_a_stop_and_a_repeated_request_give_no_advice(
    serve: Serve, settings: Settings, production: Model, engine: Engine
) -> None:
    key = {"idempotency-key": "k"}
    first = serve(settings)
    earlier = first.predict(make_photo(), **key).json()
    assert earlier["reasons"][0]["code"] != "answers_stopped"
    change(engine, answer_stop.begin, REASON)
    second = serve(settings)
    until(lambda: first.http.get("/readyz").json()["status"] == "degraded")
    assert second.predict(make_photo(seed=1)).json()["verdict"] == "cannot_tell"
    again = first.predict(make_photo(), **key).json()
    assert (again["id"], again["verdict"]) == (earlier["id"], "cannot_tell")
    assert again["reasons"][0]["code"] == "answers_stopped"
