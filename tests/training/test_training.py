"""`mycovigil train` on real parts: a folder in, a certified model in production out."""

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import structlog
from factories.encoder import tiny_encoder_folder
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from mycovigil.db.model import Model, ModelStatus, Promotion
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.models import registry
from mycovigil.models.advice import decide
from mycovigil.models.safety import CLASSES, CertificateStatus
from mycovigil.references.frozen_rows import FrozenRows
from mycovigil.settings import EncoderSettings, Settings, TrainingSettings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil.vision.encoder.training_photos import to_text
from mycovigil_training.commands import train as command
from mycovigil_training.configuration import BadConfiguration
from mycovigil_training.dataset import curated
from mycovigil_training.features.engine import Engine as Encoder
from mycovigil_training.model.scoring import answers, probabilities
from mycovigil_training.retrain import attempts, training_photos
from mycovigil_training.training import train

QUICK = ("augmentation=none", "head.epochs=6")

pytestmark = pytest.mark.usefixtures("clean_database", "heads_fitted_once")


def test_the_first_model_goes_live_with_certificate_and_reference_set(
    training_settings: Settings, engine: Engine
) -> None:
    outcome = train(training_settings, overrides=(*QUICK, "safety.miss_targets=[0.05,0.3]"))
    assert outcome.promoted
    assert outcome.gate["against"] is None
    with Session(engine) as session:
        production = registry.production(session)
        assert production is not None
        assert str(production.model.id) == outcome.model_id
        bundle = registry.load_bundle(Storage(training_settings.storage), production.model)
        reference = session.scalars(select(ReferenceSet)).one()
        samples = session.scalars(select(ReferenceSample)).all()
    assert bundle.meta.metrics["macro_recall"] > 0.8
    photos = bundle.meta.training["photos"]
    assert bundle.meta.metrics["deadly_missed"]["trials"] == photos["holdout"]["deadly"] >= 14
    assert bundle.meta.certificate.bound == pytest.approx(0.30)
    assert {sum(part[name] for part in photos.values()) for name in CLASSES} == {80}
    assert all(30 <= count <= 50 for count in photos["train"].values())
    assert reference.frozen_at is not None
    assert (reference.source, reference.rows) == ("training", len(samples))
    assert reference.rows == 320 - sum(photos["train"].values())
    features = np.array([sample.features for sample in samples], dtype=np.float32)
    stored = np.array([sample.probabilities for sample in samples])
    assert stored == pytest.approx(probabilities(bundle, features), abs=0.02)
    assert {sample.label for sample in samples} == {name.value for name in CLASSES}
    assert all(sample.jpeg_quality for sample in samples)
    storage = Storage(training_settings.storage)
    assert all(storage.exists(str(sample.image_key)) for sample in samples)


def test_serving_sees_what_training_saw(training_settings: Settings, engine: Engine) -> None:
    """Figures of the holdout, computed again from the stored bundle and the photos."""
    outcome = train(training_settings, overrides=QUICK)
    bundle = outcome.bundle
    folder = training_settings.training.dataset
    known = training_photos.recall(Storage(training_settings.storage), bundle.meta.version)
    assert known
    photos = [photo for photo in curated.read(folder) if photo.sha256 not in known]
    assert len(photos) == sum(bundle.meta.training["photos"]["holdout"].values())
    encoder = Encoder(training_settings.encoder.uri)
    from mycovigil_training.features.extraction import extract

    rows = extract(folder, photos, encoder, batch=64)
    given = answers(bundle, rows.features)
    assert (given.predicted == rows.labels).mean() > 0.8
    assert np.allclose(given.probabilities.sum(axis=1), 1)


def test_without_other_photos_the_encoder_says_what_is_no_mushroom(
    training_settings: Settings, encoder_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(encoder_folder, tmp_path / "worded"))
    identity = EncoderIdentity.read(folder)
    direction = np.eye(identity.dimension)[0]
    identity.model_copy(update={"non_mushroom_direction": tuple(direction.tolist())}).write(folder)
    worded = EncoderSettings(uri=str(folder))

    bundle = train(training_settings.model_copy(update={"encoder": worded}), overrides=QUICK).bundle

    assert bundle.non_mushroom_direction is not None
    assert bundle.non_mushroom_direction.tolist() == direction.tolist()
    assert bundle.meta.thresholds.non_mushroom_limit is not None
    decision = decide(
        [0.97, 0.01, 0.01, 0.01],
        0.0,
        bundle.meta.thresholds,
        non_mushroom_score=float(bundle.non_mushroom_scores(direction[None].astype(np.float32))[0]),
    )
    assert decision.reasons[0].code == "something_else"


@pytest.mark.parametrize("known", [0.5, 1.0])
def test_no_certificate_counts_on_photos_that_the_encoder_learned_from(
    training_settings: Settings, encoder_folder: Path, tmp_path: Path, known: float
) -> None:
    folder = Path(shutil.copytree(encoder_folder, tmp_path / "schooled"))
    photos = [photo.sha256 for photo in curated.read(training_settings.training.dataset)]
    learned = photos[:: round(1 / known)]
    EncoderIdentity.read(folder).model_copy(update={"trained_on": to_text(learned)}).write(folder)
    schooled = training_settings.model_copy(update={"encoder": EncoderSettings(uri=str(folder))})

    bundle = train(schooled, overrides=QUICK).bundle

    certificate, metrics = bundle.meta.certificate, bundle.meta.metrics
    assert "the encoder has learned from them" in certificate.statement
    if known == 1.0:
        assert certificate.state is CertificateStatus.NOT_CERTIFIABLE
        assert metrics["photos"] == 0
    else:
        assert 0 < certificate.calibration_photos < 14
        assert 0 < metrics["photos"] < 64
    strict = schooled.training.model_copy(update={"miss_margin": 0.05})
    gate = train(schooled.model_copy(update={"training": strict}), overrides=QUICK).gate
    assert gate["photos"] == metrics["photos"], "nor does a gate decide by such photos"
    assert not gate["passed"]


def test_a_second_model_passes_the_gate_or_stays_a_candidate(
    training_settings: Settings, engine: Engine
) -> None:
    first = train(training_settings, overrides=QUICK)
    second = train(training_settings, overrides=QUICK)
    assert second.gate["against"] == first.model_id
    assert second.gate["passed"] is True
    assert second.promoted
    strict = training_settings.model_copy(
        update={"training": training_settings.training.model_copy(update={"miss_margin": 0.05})}
    )
    third = train(strict, overrides=QUICK)
    assert "too few specimens to tell about deadly" in third.gate["reason"]
    assert not third.promoted
    with Session(engine) as session:
        statuses = {model.version: model.status for model in session.scalars(select(Model))}
        assert session.scalar(select(Promotion.evidence).order_by(Promotion.id.desc()))
    assert statuses[second.bundle.meta.version] == ModelStatus.PRODUCTION
    assert statuses[third.bundle.meta.version] == ModelStatus.CANDIDATE


def test_each_candidate_meets_production_and_the_first_certified_model(
    training_settings: Settings, engine: Engine
) -> None:
    certified = (*QUICK, "safety.miss_targets=[0.05,0.3]")
    first, second, third = (train(training_settings, overrides=certified) for _ in range(3))
    assert set(second.gate["comparisons"]) == {"production"}, "production is the first one"
    assert (second.gate["against"], second.gate["first_certified"]) == (first.model_id,) * 2
    assert second.promoted
    compared = third.gate["comparisons"]
    assert [one["version"] for one in compared.values()] == [
        second.bundle.meta.version,
        first.bundle.meta.version,
    ]
    assert third.promoted
    with Session(engine) as session:
        assert attempts.spent(session) == pytest.approx(2 * 0.05 / 12)


def test_the_gate_is_shut_where_the_list_of_a_models_photos_is_gone(
    training_settings: Settings,
) -> None:
    """No photo is then known to be new to it: it would be compared on what it learned by heart."""
    first = train(training_settings, overrides=QUICK)
    key = training_photos.key_of(first.bundle.meta.version)
    Storage(training_settings.storage).delete(key)
    outcome = train(training_settings, overrides=QUICK)
    assert not outcome.promoted
    assert outcome.gate["passed"] is False
    assert outcome.gate["reason"].endswith(f"restore {key} from a backup.")
    assert outcome.gate["spent"] == 0.0


def test_the_holdout_is_the_same_for_all_models(training_settings: Settings) -> None:
    storage = Storage(training_settings.storage)
    dataset = {photo.sha256 for photo in curated.read(training_settings.training.dataset)}
    first = train(training_settings, overrides=QUICK)
    second = train(training_settings, overrides=(*QUICK, "seed=7"))
    seen = [training_photos.recall(storage, one.bundle.meta.version) for one in (first, second)]
    assert seen[0] == seen[1]
    assert len(dataset - (seen[0] or frozenset())) == second.gate["photos"]


def test_a_candidate_on_another_encoder_is_compared_on_the_photos(
    training_settings: Settings, tmp_path: Path
) -> None:
    train(training_settings, overrides=QUICK)
    other = str(tiny_encoder_folder(tmp_path / "other", seed=9))
    settings = training_settings.model_copy(update={"encoder": EncoderSettings(uri=other)})
    outcome = train(settings, overrides=QUICK, promote=False)
    assert outcome.gate["photos"] == outcome.bundle.meta.metrics["photos"] > 50
    compared = outcome.gate["comparisons"]["production"]
    assert compared["macro_recall"]["opponent"] > 0.8
    assert not outcome.promoted


def test_a_raw_folder_is_curated_where_the_settings_say(
    training_settings: Settings, raw_folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    settings = training_settings.model_copy(update={"training": TrainingSettings(dataset=home)})
    train(settings, raw_folder, overrides=QUICK)
    assert curated.is_curated(home)
    assert len(curated.read(home)) == 320


def test_inputs_that_cannot_be_used(training_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration):
        train(training_settings, overrides=["nonsense=1"])
    nowhere = training_settings.model_copy(update={"encoder": EncoderSettings(uri="no/encoder")})
    with pytest.raises(FileNotFoundError, match="no encoder at"):
        train(nowhere)
    empty = training_settings.model_copy(
        update={"training": TrainingSettings(dataset=tmp_path / "empty")}
    )
    with pytest.raises(curated.NotCurated):
        train(empty)


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """A command routes all logs to its own stderr; a test must give them back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("restored_logging")
def test_the_command(training_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "MYCOVIGIL_DATABASE_URL": training_settings.database.url.get_secret_value(),
        "MYCOVIGIL_STORAGE_URL": training_settings.storage.url,
        "MYCOVIGIL_ENCODER_URI": training_settings.encoder.uri,
        "MYCOVIGIL_TRAINING_DATASET": str(training_settings.training.dataset),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    done = runner.invoke(command.app, [*QUICK, "--no-promote"])
    assert done.exit_code == 0
    assert "macro recall" in done.stdout
    assert "candidate" in done.stdout
    refused = runner.invoke(command.app, ["head.epochs=never"])
    assert refused.exit_code == 1
    assert "the configuration is refused" in str(refused.exception)


def test_the_content_hash_knows_every_row() -> None:
    def hashed(value: float) -> str:
        texts = [np.array([text]) for text in ("a", "g", "s", "")]
        features = np.array([[1.0, value]], dtype=np.float32)
        numbers = (np.full((1, 4), 0.25), np.zeros(1), np.zeros((1, 8)), np.ones(1, np.int64))
        return FrozenRows(features, *numbers, *texts).content_hash

    assert hashed(0.5) == hashed(0.5)
    assert hashed(0.5) != hashed(0.6)
    assert json.dumps(hashed(0.5))
