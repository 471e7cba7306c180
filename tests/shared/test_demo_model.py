"""The demo model: there on the first day, and no measure of anything."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from factories.model import make_model
from factories.night import Served, make_night, night_of
from factories.report import make_report
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from mycovigil.commands import migrate
from mycovigil.db.alert import Alert
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents import incident
from mycovigil.models import promotion, registry
from mycovigil.models.demo import registration
from mycovigil.models.promotion import GateClosed
from mycovigil.models.safety import CLASSES
from mycovigil.references import reference_mixture, reference_set
from mycovigil.references.reference_set import NotUsable
from mycovigil.settings import Settings
from mycovigil.storage import Storage


@pytest.fixture
def demo(session: Session, storage: Storage) -> Model:
    model = registration.register(session, storage)
    assert model is not None
    return model


def test_it_is_in_production_with_its_reference_set(
    demo: Model, session: Session, storage: Storage
) -> None:
    production = registry.production(session)
    assert production is not None
    assert (production.model, production.model.demo) == (demo, True)
    assert production.encoder.uri == "lite/int8-weights"
    bundle = registry.load_bundle(storage, demo)
    reference = session.scalars(select(ReferenceSet)).one()
    samples = session.scalars(select(ReferenceSample)).all()
    assert reference_set.active(session, reference.frozen_at)[demo.id] == reference  # type: ignore[arg-type]
    assert reference.rows == len(samples) >= 500
    features = np.array([sample.features for sample in samples], dtype=np.float32)
    stored = np.array([sample.probabilities for sample in samples])
    assert stored == pytest.approx(bundle.probabilities(features), abs=0.02)
    assert {sample.label for sample in samples} == {name.value for name in CLASSES}
    assert all(sample.brightness and sample.jpeg_quality for sample in samples)


def test_it_is_certified_for_nothing(demo: Model) -> None:
    assert demo.certificate_state == "not_certifiable"
    assert demo.certificate["bound"] is None
    assert "drawn mushrooms" in demo.certificate["statement"]
    assert demo.metrics["macro_recall"] > 0.85


def test_its_files_are_small() -> None:
    files = [registration.FOLDER / registration.BUNDLE]
    files.append(registration.FOLDER / registration.REFERENCE_SET)
    assert sum(file.stat().st_size for file in files) < 1_200_000


def test_events_and_audit_mark_it(demo: Model, session: Session) -> None:
    event = session.scalars(select(OutboxMessage.event)).one()
    assert event["data"]["demo"] is True


def test_nothing_is_registered_beside_another_model(session: Session, storage: Storage) -> None:
    make_model(session, status=ModelStatus.REJECTED)
    assert registration.register(session, storage) is None
    assert session.scalar(select(func.count()).select_from(Model)) == 1


def test_of_two_registrations_at_once_one_registers(
    settings: Settings, clean_database: str, engine: Engine
) -> None:
    with ThreadPoolExecutor(4) as pool:
        ensured = [
            pool.submit(registration.ensure, settings.database, settings.storage) for _ in range(4)
        ]
        versions = [one.result() for one in ensured]
    assert sorted(filter(None, versions)) == ["demo-4"]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Model)) == 1
        assert session.scalar(select(func.count()).select_from(ReferenceSet)) == 1


@pytest.mark.parametrize(("wanted", "registered"), [("true", ["demo-4"]), ("false", [])])
def test_migrate_registers_it_unless_told_not_to(
    wanted: str,
    registered: list[str],
    settings: Settings,
    clean_database: str,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MYCOVIGIL_DEMO_MODEL", wanted)
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", clean_database)
    monkeypatch.setenv("MYCOVIGIL_STORAGE_URL", settings.storage.url)
    outputs = [CliRunner().invoke(migrate.app, []).output for _ in range(2)]
    assert ["not for real ones" in said for said in outputs] == [bool(registered), False]
    with Session(engine) as session:
        assert list(session.scalars(select(Model.version))) == registered


def test_the_first_real_model_replaces_it_whatever_it_was_compared_with(
    demo: Model, session: Session
) -> None:
    real = make_model(session, metrics={"gate": {"against": None, "passed": True}})
    row = promotion.promote(session, real.id, decided_by="test")
    assert (row.decision, row.replaced_id) == ("initial", demo.id)
    assert (real.status, demo.status) == (ModelStatus.PRODUCTION, ModelStatus.ARCHIVED)
    second = make_model(session, metrics={"gate": {"against": None, "passed": True}})
    with pytest.raises(GateClosed, match="not compared"):
        promotion.promote(session, second.id, decided_by="test")


def test_no_rollback_brings_it_back(demo: Model, session: Session) -> None:
    with pytest.raises(GateClosed, match="no earlier"):
        promotion.rollback(session, decided_by="test", reason="try")
    real = make_model(session)
    promotion.promote(session, real.id, decided_by="test")
    with pytest.raises(GateClosed, match="only the demo model"):
        promotion.rollback(session, decided_by="test", reason="worse at dusk")
    assert real.status == ModelStatus.PRODUCTION


def test_its_nights_alert_nobody(demo: Model, session: Session) -> None:
    report = make_report(session, demo, None, verdict=ReportVerdict.DRIFT)
    assert incident.respond(session, report, harmful=True) is None
    assert incident.confirm_harm(session, report, found="all were missed") is None
    assert session.scalar(select(func.count()).select_from(Alert)) == 0
    assert demo.certificate_state == "not_certifiable"


def test_its_traffic_is_no_reference(demo: Model, session: Session) -> None:
    reference = session.scalars(select(ReferenceSet)).one()
    window = night_of(0)
    make_night(session, Served(demo, reference), window, rows=150, dimension=256)
    with pytest.raises(NotUsable, match="demo model"):
        reference_set.from_production(session, demo, [window], name="calm")
    real = make_model(session, encoder=registry.production(session).encoder)  # type: ignore[union-attr]
    with pytest.raises(NotUsable, match="0 predictions"):
        reference_set.from_production(session, real, [window], name="calm", any_model=True)
    with pytest.raises(NotUsable, match="nothing was predicted"):
        reference_mixture.predicted_shares(session, demo.encoder_id, [window])
