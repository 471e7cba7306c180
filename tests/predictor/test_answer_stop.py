"""An operator stops all answers: each becomes ``cannot_tell``, earlier ones when looked up too."""

from collections.abc import Callable

from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Running
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.models import answer_stop

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
