"""Labels of predictions: how the photo was chosen is the server's word, not the client's."""

import datetime
import uuid

from factories.night import id_at
from factories.photo import make_photo
from factories.predictor import Desk, Running
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.access import Scope
from mycovigil.db.model import Model
from mycovigil.db.prediction import ChosenBy, Label, LabelRequest

TRUTH = {"label": "deadly", "confidence": "certain"}


def test_a_label_keeps_how_its_photo_was_chosen(
    predictor: Running, production: Model, desk: Desk, engine: Engine
) -> None:
    own, asked = (predictor.predict(make_photo(seed=seed)).json()["id"] for seed in (1, 2))
    headers = {"authorization": f"Bearer {desk.key(Scope.LABEL)}"}

    def label(identifier: str, **more: str) -> int:
        place = f"/v1/predictions/{identifier}/label"
        return predictor.http.put(place, json=TRUTH | more, headers=headers).status_code

    def chosen() -> dict[str, str | None]:
        with Session(engine) as session:
            rows = session.execute(select(Label.prediction_id, Label.chosen_by))
            return {str(identifier): found for identifier, found in rows}

    def ask(identifier: str, why: ChosenBy) -> None:
        with Session(engine) as session, session.begin():
            session.merge(
                LabelRequest(
                    prediction_id=uuid.UUID(identifier),
                    chosen_by=why,
                    model_id=production.id,
                    position=1,
                )
            )

    ask(asked, ChosenBy.RISK)
    assert label(own, chosen_by="random") == 422, "no client says how its labels count"
    assert [label(own), label(asked)] == [200, 200]
    assert chosen() == {own: None, asked: "risk"}
    ask(own, ChosenBy.RANDOM)
    assert chosen()[own] is None, "it was given before anybody asked"
    assert label(own) == 200
    assert chosen() == {own: "random", asked: "risk"}


def test_a_label_of_a_deleted_day_is_refused_in_words(predictor: Running, desk: Desk) -> None:
    headers = {"authorization": f"Bearer {desk.key(Scope.LABEL)}"}
    long_ago = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(days=500)
    statuses = []
    for identifier in (id_at(long_ago), id_at(datetime.datetime.now(tz=datetime.UTC))):
        place = f"/v1/predictions/{identifier}/label"
        answer = predictor.http.put(place, json=TRUTH, headers=headers)
        statuses.append((answer.status_code, answer.json()["type"].rsplit("/", 1)[1]))
    assert statuses == [(410, "prediction-expired"), (404, "not-found")]
