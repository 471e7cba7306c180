"""The demo model: made by one command, and replaced by the first training or retrain job."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model, ModelStatus, Promotion
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.models import registry
from mycovigil.models.bundle import Bundle
from mycovigil.models.demo import registration
from mycovigil.models.safety import CertificateStatus
from mycovigil.references.frozen_rows import FrozenRows
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_training.register.demo_model import make
from mycovigil_training.retrain import opponents
from mycovigil_training.retrain.retraining import retrain
from mycovigil_training.training import train

pytestmark = pytest.mark.usefixtures("heads_fitted_once")
QUICK = ("augmentation=none", "head.epochs=6")


@pytest.fixture
def demo(settings: Settings, clean_database: str) -> None:
    assert registration.ensure(settings.database, settings.storage) == "demo-4"


@pytest.mark.usefixtures("demo")
def test_the_first_training_replaces_it_without_a_comparison(
    training_settings: Settings, engine: Engine
) -> None:
    outcome = train(training_settings, overrides=(*QUICK, "safety.miss_targets=[0.3]"))
    assert (outcome.promoted, outcome.gate["against"]) == (True, None)
    assert outcome.bundle.meta.certificate.state is CertificateStatus.VALID
    with Session(engine) as session:
        models = session.scalars(select(Model).order_by(Model.created_at)).all()
        decisions = list(session.scalars(select(Promotion.decision)))
    assert [(model.demo, model.status) for model in models] == [
        (True, ModelStatus.ARCHIVED),
        (False, ModelStatus.PRODUCTION),
    ]
    assert models[1].parent_id is None
    assert decisions == ["initial", "initial"]
    second = train(training_settings, overrides=QUICK)
    assert second.gate["against"] == outcome.model_id


@pytest.mark.usefixtures("demo")
def test_a_retrain_job_has_no_opponent_in_it(training_settings: Settings, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        assert opponents.production(session, Storage(training_settings.storage)) is None
        job = RetrainJob(
            requested_by="test", state=JobState.RUNNING, parameters={"overrides": list(QUICK)}
        )
        session.add(job)
        session.flush()
        job_id = job.id
    outcome = retrain(training_settings, job_id)
    assert outcome["gate"]["against"] is None
    assert outcome["gate"]["passed"]
    with Session(engine) as session:
        production = registry.production(session)
        assert production is not None
        assert production.model.demo


@pytest.mark.whole
def test_it_is_made_from_drawn_photos_alone(tmp_path: Path) -> None:
    made = make(tmp_path / "demo", per_species=8, workers=1)
    bundle = Bundle.from_bytes((tmp_path / "demo" / registration.BUNDLE).read_bytes())
    rows = FrozenRows.from_bytes((tmp_path / "demo" / registration.REFERENCE_SET).read_bytes())
    assert sorted(file.name for file in made.files) == sorted(
        path.name for path in (tmp_path / "demo").iterdir()
    )
    assert bundle.meta.certificate.state is CertificateStatus.NOT_CERTIFIABLE
    assert bundle.meta.certificate.bound is None
    assert bundle.meta.training["kind"] == "demo"
    assert bundle.meta.encoder_uri == "lite/int8-weights"
    photos = bundle.meta.training["photos"]
    held = sum(sum(photos[part].values()) for part in ("validation", "calibration", "holdout"))
    assert len(rows) == held > 100
    assert rows.probabilities == pytest.approx(
        bundle.probabilities(rows.features.astype("float32")), abs=0.01
    )
