"""A promotion is served without a restart; what cannot be loaded leaves the old model."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.night import Served, make_night
from factories.outage import DEADLINE, until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from factories.reference_set import make_reference_set
from factories.report import make_report
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents import incident
from mycovigil.models import answer_stop, registry
from mycovigil.models.bundle import digest
from mycovigil.models.safety import CertificateStatus
from mycovigil.references.window import Window
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import ONNX_FILE, EncoderIdentity, file_digest
from mycovigil_predictor import state as predictor_state


def version(running: Running) -> str:
    return str(running.predict(make_photo()).json()["model"]["version"])


def test_a_promoted_model_takes_over(predictor: Running, desk: Desk, tiny: Path) -> None:
    before = predictor.predict(make_photo()).json()
    desk.promote(make_bundle(tiny, seed=1, version="next"), tiny)

    until(lambda: version(predictor) == "next")

    after = predictor.predict(make_photo()).json()
    assert after["probabilities"] != before["probabilities"]
    assert after["encoder"] == before["encoder"]
    old = predictor.http.get(f"/v1/predictions/{before['id']}").json()
    assert old["model"] == before["model"]
    assert old["might_be_confused_with"] == before["might_be_confused_with"]


def test_a_certificate_is_in_doubt_while_its_nights_are_not_judged(
    predictor: Running, production: Model, engine: Engine
) -> None:
    assert certificate(predictor) == "valid"
    start = datetime.now(tz=UTC) - timedelta(days=4)
    with Session(engine) as session, session.begin():
        served = Served(production, make_reference_set(session, production))
        make_night(session, served, Window(start, start + timedelta(hours=1)), rows=2)
    until(lambda: certificate(predictor) == "suspect")
    facts = predictor.http.get("/v1/model").json()
    assert "no night has been judged since" in facts["certificate"]["reason"]
    with Session(engine) as session, session.begin():
        end = datetime.now(tz=UTC)
        make_report(session, production, None, window_start=start, window_end=end)
    until(lambda: certificate(predictor) == "valid")


def test_a_model_on_another_encoder_brings_its_encoder(
    predictor: Running, desk: Desk, tmp_path: Path
) -> None:
    other = tiny_encoder_folder(tmp_path / "other", size=64, dimension=24, seed=9, name="other")
    desk.promote(make_bundle(other, version="on-other"), other)

    until(lambda: version(predictor) == "on-other")

    facts = predictor.http.get("/v1/model").json()
    assert (facts["encoder"]["name"], facts["encoder"]["dimension"]) == ("other", 24)


def test_a_spoilt_bundle_is_not_served(predictor: Running, desk: Desk, tiny: Path) -> None:
    before = version(predictor)
    bundle = make_bundle(tiny, seed=2, version="spoilt")
    desk.promote(bundle, tiny, stored=bundle.to_bytes()[:-4] + b"evil")

    until(lambda: predictor.http.get("/readyz").json()["trouble"] is not None)
    assert "sha256" in predictor.http.get("/readyz").json()["trouble"]
    assert version(predictor) == before
    assert predictor.http.get("/readyz").json()["status"] == "degraded"


def certify(
    engine: Engine, model: Model, state: CertificateStatus, reason: str = "a drift"
) -> None:
    with Session(engine) as session, session.begin():
        row = session.get_one(Model, model.id)
        row.certificate_state, row.certificate_reason = state, reason
        registry.announce(session)


def certificate(running: Running) -> str:
    return str(running.predict(make_photo()).json()["certificate"]["state"])


def test_a_model_whose_successor_cannot_load_is_suspect_and_still_followed(
    predictor: Running, desk: Desk, tiny: Path, production: Model, engine: Engine
) -> None:
    assert certificate(predictor) == "valid"
    bundle = make_bundle(tiny, seed=2, version="spoilt")
    spoilt = desk.promote(bundle, tiny, stored=bundle.to_bytes()[:-4] + b"evil")
    until(lambda: certificate(predictor) == "suspect")
    facts = predictor.http.get("/v1/model").json()
    assert "watched no more" in facts["certificate"]["reason"]
    assert facts["certificate"]["bound"] is None

    certify(engine, production, CertificateStatus.VOID)
    until(lambda: certificate(predictor) == "void")
    assert predictor.predict(make_photo()).json()["verdict"] != "expert_check"

    certify(engine, production, CertificateStatus.VALID, "")
    good = (data for data in iter(bundle.to_bytes, b"") if digest(data) == spoilt.artifact_sha256)
    desk.storage.write(spoilt.artifact_uri, next(good))  # safetensors orders its keys by chance
    until(lambda: version(predictor) == "spoilt")
    ready = predictor.http.get("/readyz").json()
    assert (ready["status"], ready["trouble"]) == ("ready", None)
    assert certificate(predictor) == "valid"


def test_a_model_that_comes_back_to_production_is_watched_again(
    predictor: Running, desk: Desk, production: Model, engine: Engine
) -> None:
    def put(status: ModelStatus) -> None:
        with Session(engine) as session, session.begin():
            session.get_one(Model, production.id).status = status
            registry.announce(session)

    put(ModelStatus.ARCHIVED)
    until(lambda: certificate(predictor) == "suspect")
    assert "no model is in production" in predictor.http.get("/readyz").json()["trouble"]
    put(ModelStatus.PRODUCTION)
    until(lambda: certificate(predictor) == "valid")
    assert predictor.http.get("/readyz").json()["trouble"] is None


def test_a_night_that_does_harm_is_told_by_verdicts_at_once(
    serve: Serve, settings: Settings, production: Model, engine: Engine
) -> None:
    """A drifted night makes the certificate suspect, labels that refute it void: by NOTIFY, not by
    the next look at the registry."""
    never = settings.predictor.model_copy(update={"reload_seconds": 3_600})
    predictor = serve(settings.model_copy(update={"predictor": never}))

    def state_is(state: CertificateStatus) -> bool:
        document = predictor.predict(make_photo()).json()
        codes = {reason["code"] for reason in document["reasons"]}
        return document["certificate"]["state"] == state and f"certificate_{state}" in codes

    for night, state in enumerate((CertificateStatus.SUSPECT, CertificateStatus.VOID)):
        with Session(engine) as session, session.begin():
            drifted = make_report(
                session, production, None, night=night, verdict=ReportVerdict.DRIFT
            )
            incident.respond(session, drifted, harmful=True)
            if state is CertificateStatus.VOID:
                incident.confirm_harm(session, drifted, found="12 of 14 missed")
        until(partial(state_is, state))
    document = predictor.predict(make_photo()).json()
    assert document["certificate"]["bound"] is None
    assert document["verdict"] != "expert_check"


def test_an_error_of_the_runtime_leaves_the_old_model_and_the_service(
    predictor: Running, serve: Serve, settings: Settings, desk: Desk, tmp_path: Path
) -> None:
    """ONNX Runtime's errors have no base of their own but Exception."""
    folder = tiny_encoder_folder(tmp_path / "broken", size=64, dimension=24, seed=9, name="broken")
    (folder / ONNX_FILE).write_bytes(b"no graph")
    found = file_digest(folder / ONNX_FILE)
    EncoderIdentity.read(folder).model_copy(update={"onnx_digest": found}).write(folder)
    before = version(predictor)
    desk.promote(make_bundle(folder, version="unreadable"), folder)

    until(lambda: certificate(predictor) == "suspect")
    assert version(predictor) == before
    options = settings.predictor.model_copy(update={"spool_path": tmp_path / "other.sqlite"})
    started = serve(settings.model_copy(update={"predictor": options}))
    assert started.http.get("/healthz").status_code == 200
    refused = started.http.get("/readyz")
    assert refused.status_code == 503
    assert "unreadable cannot be served" in refused.json()["detail"]


def test_without_a_model_it_says_what_to_run(
    serve: Serve, settings: Settings, desk: Desk, tiny: Path
) -> None:
    running = serve(settings)
    for answer in (running.predict(make_photo()), running.http.get("/readyz")):
        assert answer.status_code == 503
        assert "mycovigil train" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0
    assert "mycovigil train" in running.http.post("/", files={"file": make_photo()}).text

    desk.promote(make_bundle(tiny, version="first"), tiny)
    until(lambda: running.http.get("/readyz").status_code == 200)
    assert version(running) == "first"


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """From its call on, and to the end of the test, the storage answers nothing."""
    monkeypatch.setattr(predictor_state, "STORAGE_SECONDS", 0.5)
    goes_on, read = threading.Event(), Storage.read

    def hanging(storage: Storage, key: str) -> bytes:
        goes_on.wait(DEADLINE)
        return read(storage, key)

    yield lambda: monkeypatch.setattr(Storage, "read", hanging)
    goes_on.set()


def test_a_storage_that_hangs_holds_no_look_up_of_an_older_answer(
    hang: Callable[[], None], predictor: Running, desk: Desk, tiny: Path
) -> None:
    """Its model's bundle is read; there are more look-ups than threads and connections."""
    old = predictor.predict(make_photo()).json()["id"]
    desk.promote(make_bundle(tiny, seed=1, version="second"), tiny)
    until(lambda: version(predictor) == "second")
    hang()
    paths = [f"/v1/predictions/{old}"] * 60
    with ThreadPoolExecutor(len(paths)) as pool:
        assert {one.status_code for one in pool.map(predictor.http.get, paths)} == {200}
    label = {"label": "deadly", "confidence": "certain"}
    assert predictor.http.put(f"{paths[0]}/label", json=label).status_code == 200


def test_a_stop_is_followed_while_a_new_model_cannot_be_read(
    hang: Callable[[], None], predictor: Running, desk: Desk, tiny: Path
) -> None:
    predictor.predict(make_photo())
    hang()
    desk.promote(make_bundle(tiny, seed=1, version="second"), tiny)
    until(lambda: "cannot be served" in str(predictor.http.get("/readyz").json()))
    with Session(desk.engine) as session, session.begin():
        answer_stop.begin(session, who="test", reason="a mistake")
    until(lambda: predictor.predict(make_photo()).json()["verdict"] == "cannot_tell")
