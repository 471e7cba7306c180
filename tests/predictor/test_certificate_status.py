"""An older answer, told again, promises no more than holds today."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from factories.bundle import OPEN_THRESHOLDS, make_bundle
from factories.night import Served, make_night
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from factories.report import make_reference_set
from factories.row import make_row
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.models import registry
from mycovigil.models.safety import BEST_FIRST, CertificateStatus, worse
from mycovigil.references.window import Window
from mycovigil.settings import Settings
from mycovigil_predictor.certificate_status import as_of_today

# Every photo is for the expert.
NOTHING_HARMFUL = OPEN_THRESHOLDS.model_copy(
    update={"set_level": (1.0, 0.0, 0.0, 0.0), "deadly_floor": 1.0, "harm_floor": 1.0}
)
ONCE = {"idempotency-key": "k"}


def certify(engine: Engine, model: Model, state: CertificateStatus) -> None:
    with Session(engine) as session, session.begin():
        session.get_one(Model, model.id).certificate_state = state
        registry.announce(session)


def told_again(running: Running, identifier: str) -> list[dict[str, Any]]:
    """By a retry, and by a look-up."""
    documents = [
        running.predict(make_photo(), **ONCE).json(),
        running.http.get(f"/v1/predictions/{identifier}").json(),
    ]
    assert {document["id"] for document in documents} == {identifier}
    return documents


def promised(document: dict[str, Any]) -> dict[str, Any]:
    names = ("verdict", "reasons", "certificate", "prediction_set", "model", "encoder")
    return {name: document[name] for name in names}


@pytest.fixture
def trusting(desk: Desk, tiny: Path) -> Model:
    return desk.promote(make_bundle(tiny, thresholds=NOTHING_HARMFUL), tiny)


@pytest.fixture
def predictor(serve: Serve, settings: Settings, trusting: Model) -> Running:
    return serve(settings)


def test_a_void_certificate_takes_older_promises_back(
    trusting: Model, predictor: Running, engine: Engine
) -> None:
    first = predictor.predict(make_photo(), **ONCE).json()
    assert (first["verdict"], first["certificate"]["state"]) == ("expert_check", "valid")

    certify(engine, trusting, CertificateStatus.VOID)
    until(lambda: predictor.http.get("/readyz").json()["certificate"] == "void")

    for document in told_again(predictor, first["id"]):
        assert document["verdict"] == "cannot_tell"
        assert document["reasons"][0]["code"] == "certificate_void"
        assert document["certificate"]["state"] == "void"
        assert document["certificate"]["bound"] is None
    with Session(engine) as session:
        assert session.scalars(select(Prediction.verdict)).all() == ["expert_check"]


def test_a_better_certificate_gives_no_promise_to_an_older_answer(
    trusting: Model, predictor: Running, engine: Engine
) -> None:
    certify(engine, trusting, CertificateStatus.VOID)
    until(lambda: predictor.http.get("/readyz").json()["certificate"] == "void")
    first = predictor.predict(make_photo(), **ONCE).json()
    certify(engine, trusting, CertificateStatus.VALID)
    until(lambda: predictor.http.get("/readyz").json()["certificate"] == "valid")

    for document in told_again(predictor, first["id"]):
        assert promised(document) == promised(first)


def test_an_older_model_s_answer_outlives_its_bundle(
    trusting: Model, predictor: Running, engine: Engine, desk: Desk, tiny: Path
) -> None:
    first = predictor.predict(make_photo(), **ONCE).json()
    desk.promote(make_bundle(tiny, seed=1, version="next"), tiny)
    desk.storage.delete(trusting.artifact_uri)
    until(lambda: predictor.http.get("/readyz").json()["model"] == "next")

    for document in told_again(predictor, first["id"]):
        assert promised(document) == promised(first)
    certify(engine, trusting, CertificateStatus.VOID)  # archived, and found out later
    for document in told_again(predictor, first["id"]):
        assert (document["verdict"], document["certificate"]["state"]) == ("cannot_tell", "void")


def test_a_model_whose_nights_nobody_judged_stays_in_doubt_when_it_has_left(
    trusting: Model, predictor: Running, engine: Engine, desk: Desk, tiny: Path
) -> None:
    first = predictor.predict(make_photo(), **ONCE).json()
    start = datetime.now(tz=UTC) - timedelta(days=4)
    with Session(engine) as session, session.begin():
        served = Served(trusting, make_reference_set(session, trusting))
        make_night(session, served, Window(start, start + timedelta(hours=1)), rows=2)
    desk.promote(make_bundle(tiny, seed=1, version="next"), tiny)
    until(lambda: predictor.http.get("/readyz").json()["model"] == "next")

    for document in told_again(predictor, first["id"]):
        assert document["certificate"]["state"] == "suspect"


@pytest.mark.parametrize("one", CertificateStatus)
@pytest.mark.parametrize("other", CertificateStatus)
def test_the_worse_of_two_states_promises_less(
    one: CertificateStatus, other: CertificateStatus
) -> None:
    found = worse(one, other)
    assert found == worse(other, one)
    assert BEST_FIRST.index(found) == max(BEST_FIRST.index(one), BEST_FIRST.index(other))
    row = make_row()
    assert as_of_today(row, CertificateStatus.VALID) is row
