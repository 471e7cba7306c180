"""A retrain job on real parts: labelled rows are learned, drifted nights enter no reference."""

import datetime
import json
import os
import subprocess
import sys
import uuid
from typing import Any

import numpy as np
import pytest
from factories.photo_folder import photo_of
from factories.report import make_report
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from mycovigil.db.base import new_id
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.prediction import Label, Prediction
from mycovigil.db.reference import ReferenceSample, ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import incident
from mycovigil.models import promotion, registry
from mycovigil.models.bundle import Bundle
from mycovigil.models.safety import CLASSES, CertificateStatus
from mycovigil.postgres import partitions
from mycovigil.references.photo_row import PhotoRow
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.vision.image.covariates import NAMES, measure
from mycovigil.vision.image.decode import decode
from mycovigil_training.dataset import curated
from mycovigil_training.features.engine import Engine as Encoder
from mycovigil_training.model.assembly import Parts, assemble
from mycovigil_training.retrain import training_photos
from mycovigil_training.retrain.retraining import _inherited, retrain
from mycovigil_training.training import train

pytestmark = pytest.mark.usefixtures("heads_fitted_once")
QUICK = ["augmentation=none", "head.epochs=6"]
NIGHT = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
# A species number that no training photo has: its shades are new.
LOOK_ALIKE = 40


@pytest.fixture
def served(training_settings: Settings, clean_database: str) -> Settings:
    train(training_settings, overrides=QUICK)
    return training_settings


def arrive(
    session: Session,
    settings: Settings,
    *,
    photos: int,
    labelled: int,
    seed: int = 1,
    chosen_by: str | None = "random",
) -> RetrainJob:
    """A night of a new deadly look-alike, its report, incident and retrain job."""
    model = session.scalars(select(Model).where(Model.status == ModelStatus.PRODUCTION)).one()
    reference = session.scalars(select(ReferenceSet)).one()
    predictions = _night(session, settings, model, photos, seed)
    for row in predictions[:labelled]:
        session.add(
            Label(
                id=new_id(),
                prediction_id=row,
                label="deadly",
                species="Novel lookalike",
                confidence="certain",
                labelled_by="mycologist",
                chosen_by=chosen_by,
            )
        )
    report = make_report(session, model, reference, verdict=ReportVerdict.DRIFT)
    alert = incident.respond(session, report, harmful=False)
    assert alert is not None
    job = RetrainJob(
        id=new_id(),
        incident_id=alert.incident_id,
        requested_by="test",
        state=JobState.RUNNING,
        parameters={"overrides": QUICK},
    )
    session.add(job)
    return job


def _night(
    session: Session, settings: Settings, model: Model, photos: int, seed: int
) -> list[uuid.UUID]:
    partitions.ensure(session, [NIGHT.date()])
    encoder = Encoder(settings.encoder.uri)
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(photos):
        image = decode(photo_of(3, LOOK_ALIKE, rng), size=32, max_pixels=10**6)
        rows.append(
            {
                "id": new_id(),
                "created_at": NIGHT + number * datetime.timedelta(minutes=1),
                "request_id": "r",
                "client": "page",
                "group_key": f"session {number // 2}",
                "model_id": model.id,
                "encoder_id": model.encoder_id,
                "features": encoder.encode(image.pixels[None])[0],
                "probabilities": [0.25] * 4,
                "label": "edible",
                "prediction_set": ["edible"],
                "verdict": "cannot_tell",
                "certificate": "valid",
                "reasons": [],
                "distance": 0.3,
                "image_sha256": uuid.UUID(int=number).hex * 2,
                "latency_ms": 5.0,
            }
            | measure(image).columns()
        )
    session.execute(insert(Prediction), rows)
    return [row["id"] for row in rows]


def test_the_drifted_night_is_learned_and_enters_no_reference(
    served: Settings, engine: Engine
) -> None:
    with Session(engine) as session, session.begin():
        job = arrive(session, served, photos=240, labelled=60)
        job_id = job.id
    outcome = retrain(served, job_id)
    with Session(engine) as session, session.begin():
        candidate = session.get_one(Model, uuid.UUID(outcome["model_id"]))
        bundle = registry.load_bundle(Storage(served.storage), candidate)
        reference = session.scalars(
            select(ReferenceSet).where(ReferenceSet.model_id == candidate.id)
        ).one()
        labels = session.scalars(
            select(ReferenceSample.label).where(ReferenceSample.reference_set_id == reference.id)
        ).all()
        assert candidate.status == ModelStatus.CANDIDATE
        assert candidate.parent_id == uuid.UUID(outcome["gate"]["against"])
        learned = bundle.meta.training["labelled_rows"] - outcome["gate"]["drifted"]["photos"]
        assert reference.source == "training"
        assert None not in labels, "photos of the collection alone"
        assert learned > 0
        assert outcome["gate"]["passed"], outcome["gate"]["reason"]
        promotion.promote(session, candidate.id, decided_by="test")
    assert bundle.meta.training["labelled_rows"] == 60
    assert bundle.meta.training["photos"]["train"]["deadly"] > 40 + 20
    assert outcome["gate"]["drifted"]["photos"] >= 6
    assert "novel lookalike" in bundle.species


@pytest.mark.parametrize("chosen_by", ["risk", None])
def test_labels_that_were_not_asked_for_at_random_train_and_judge_nothing(
    served: Settings, engine: Engine, chosen_by: str | None
) -> None:
    with Session(engine) as session, session.begin():
        job_id = arrive(session, served, photos=60, labelled=60, chosen_by=chosen_by).id
    outcome = retrain(served, job_id)
    assert outcome["gate"]["drifted"]["photos"] == 0
    with Session(engine) as session:
        candidate = session.get_one(Model, uuid.UUID(outcome["model_id"]))
        bundle = registry.load_bundle(Storage(served.storage), candidate)
    parts = bundle.meta.training["photos"]
    assert sum(parts[name]["deadly"] for name in parts) == 80 + 60
    assert parts["train"]["deadly"] >= 30 + 60


def test_a_photo_is_judged_on_if_any_of_its_labels_was_asked_for_at_random(
    served: Settings, engine: Engine
) -> None:
    from mycovigil_training.retrain.production_rows import labelled

    with Session(engine) as session, session.begin():
        model = session.scalars(select(Model)).one()
        predictions = _night(session, served, model, 4, seed=4)
        for row, who, chosen_by in (
            (0, "a", "risk"),
            (0, "b", "random"),
            (1, "a", "disagreement"),
            (2, "a", None),
            (3, "a", "random"),
        ):
            label = {"label": "deadly", "species": None, "confidence": "certain"}
            session.add(
                Label(
                    id=new_id(),
                    prediction_id=predictions[row],
                    labelled_by=who,
                    chosen_by=chosen_by,
                    **label,
                )
            )
        session.flush()
        last = session.scalars(select(Prediction).where(Prediction.id == predictions[3])).one()
        last.photos = 2
        session.flush()
        rows = labelled(session, model.encoder_id, [], dimension=48)
    assert rows.judged.tolist() == [True, False, False, False]


def test_an_answer_to_a_drift_is_suspect_and_so_is_the_next_until_enough_is_labelled(
    served: Settings, engine: Engine
) -> None:
    """Two days after the drift a person asks for another retraining, with no incident open."""
    asked = {"overrides": [*QUICK, "safety.miss_targets=[0.3]"]}
    with Session(engine) as session, session.begin():
        first = arrive(session, served, photos=120, labelled=40)
        first.parameters = asked
        report = session.scalars(select(DriftReport)).one()
        began, first_id = report.window_start, first.id
    with Session(engine) as session, session.begin():
        model_id = uuid.UUID(retrain(served, first_id)["model_id"])
        promotion.promote(session, model_id, decided_by="test")
        second = RetrainJob(
            id=new_id(), requested_by="test", state=JobState.RUNNING, parameters=asked
        )
        session.add(second)
        second_id = second.id
    later_id = uuid.UUID(retrain(served, second_id)["model_id"])
    for made in (model_id, later_id):
        with Session(engine) as session:
            model = session.get_one(Model, made)
            certificate = registry.load_bundle(Storage(served.storage), model).meta.certificate
        assert certificate.state is CertificateStatus.SUSPECT
        assert certificate.new_days_since == began
        assert certificate.doubt is not None
        assert "were labelled at random; 9 are needed" in certificate.doubt
        assert (model.certificate_state, model.certificate_reason) == (
            "suspect",
            certificate.doubt,
        )


def test_what_production_was_trained_on_stays_in_training(served: Settings, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        job_id = arrive(session, served, photos=20, labelled=0).id
        first = session.scalars(select(Model)).one().version
    outcome = retrain(served, job_id)
    storage = Storage(served.storage)
    before, after = (training_photos.recall(storage, one) for one in (first, outcome["version"]))
    assert before
    assert after
    assert before <= after
    with Session(engine) as session:
        candidate = session.get_one(Model, uuid.UUID(outcome["model_id"]))
        bundle = registry.load_bundle(storage, candidate)
        reference = session.scalars(
            select(ReferenceSet).where(ReferenceSet.model_id == candidate.id)
        ).one()
    train = bundle.meta.training["photos"]["train"]
    held = 320 - sum(train.values())
    assert reference.rows == held, "held-out photos alone: no drifted day is a reference"


def test_no_photo_that_was_sent_back_is_judged_by_a_model_that_learned_it(
    served: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mycovigil_training.retrain import retraining

    dataset = served.training.dataset
    known = [photo.sha256 for photo in curated.read(dataset) if photo.safety_class == "deadly"]
    with Session(engine) as session, session.begin():
        job_id = arrive(session, served, photos=60, labelled=60).id
        rows = session.scalars(select(Prediction).order_by(Prediction.id)).all()
        for number, row in enumerate(rows[:50]):
            row.image_sha256 = known[number % 40]
            row.group_key = f"alone {number}"
        for row in rows[50:]:
            row.photos = 2
        pooled = [row.image_sha256 for row in rows[50:]]
    assembled = []

    def watched(parts: Parts, *args: Any, **named: Any) -> Bundle:
        assembled.append(parts)
        return assemble(parts, *args, **named)

    monkeypatch.setattr(retraining, "assemble", watched)
    retrain(served, job_id)
    parts = assembled[0]
    tables = (parts.train, parts.validation, parts.calibration, parts.holdout)
    assert sum(np.isin(table.sha256, known[:40]).sum() for table in tables) == 40 + 50
    sides = [set(table.sha256.tolist()) for table in tables]
    assert len(set.union(*sides)) == sum(len(side) for side in sides)
    assert not set.union(*sides[1:]) & set(pooled), "pooled rows teach, and prove nothing"


def test_guesses_are_left_out_and_disagreement_is_settled_carefully(
    served: Settings, engine: Engine
) -> None:
    from mycovigil_training.retrain.production_rows import labelled

    with Session(engine) as session, session.begin():
        model = session.scalars(select(Model)).one()
        first, second, third = _night(session, served, model, 3, seed=4)
        for prediction, label, confidence, who in (
            (first, "edible", "guess", "a"),
            (second, "edible", "probable", "a"),
            (second, "poisonous", "probable", "b"),
            (third, "edible", "certain", "a"),
            (third, "deadly", "probable", "b"),
        ):
            session.add(
                Label(
                    id=new_id(),
                    prediction_id=prediction,
                    label=label,
                    species=None,
                    confidence=confidence,
                    labelled_by=who,
                )
            )
        session.flush()
        rows = labelled(session, model.encoder_id, [], dimension=48)
    assert [CLASSES[label].value for label in rows.table.labels] == ["poisonous", "edible"]


def test_photos_without_a_session_are_one_specimen_where_they_come_in_one_burst(
    served: Settings, engine: Engine
) -> None:
    """And photos sent together without a session teach nothing: one of them may be judged on."""
    from mycovigil_training.retrain.production_rows import labelled

    with Session(engine) as session, session.begin():
        model = session.scalars(select(Model)).one()
        _night(session, served, model, 6, seed=4)
        rows = session.scalars(select(Prediction).order_by(Prediction.id)).all()
        for row in rows:
            row.group_key = None
            session.add(
                Label(
                    id=new_id(),
                    prediction_id=row.id,
                    label="deadly",
                    confidence="certain",
                    labelled_by="a",
                )
            )
        for row in rows[3:]:
            row.created_at += datetime.timedelta(minutes=5)
        rows[4].key_prefix = "another app"
        rows[5].photos = 2
        session.flush()
        groups = labelled(session, model.encoder_id, [], dimension=48).table.groups.tolist()
    assert len(groups) == 5
    assert [groups.index(group) for group in groups] == [0, 0, 0, 3, 4]


def test_a_label_holds_for_each_photo_of_its_answer(served: Settings, engine: Engine) -> None:
    from mycovigil_training.retrain.production_rows import labelled

    with Session(engine) as session, session.begin():
        model = session.scalars(select(Model)).one()
        first, second = _night(session, served, model, 2, seed=4)
        answer, other = session.scalars(select(Prediction).order_by(Prediction.id)).all()
        assert [answer.id, other.id] == [first, second]
        photos = [
            PhotoRow(
                features=np.asarray(row.features, np.float32),
                probabilities=[0.25] * 4,
                label="edible",
                distance=0.3,
                image_sha256=f"photo {number}",
                covariates={name: getattr(row, name) for name in NAMES},
                fingerprint=bytes(56),
            )
            for number, row in enumerate((answer, other))
        ]
        answer.group_key, answer.key_prefix, answer.photos = None, "myco_a", 2
        answer.photo_rows = [photo.document() for photo in photos]
        answer.fingerprint, answer.image_key = bytes(56), "photos/kept.jpg"
        session.add(
            Label(
                id=new_id(),
                prediction_id=first,
                label="deadly",
                confidence="certain",
                labelled_by="a",
                chosen_by="random",
            )
        )
        session.flush()
        rows = labelled(session, model.encoder_id, [], dimension=48)
    assert [CLASSES[label].value for label in rows.table.labels] == ["deadly"] * 2
    assert rows.judged.tolist() == [True, True]
    assert len(set(rows.table.groups.tolist())) == 1
    assert rows.table.sha256.tolist() == ["photo 0", "photo 1"]
    assert rows.table.image_keys.tolist() == ["photos/kept.jpg", ""]
    lengths = np.linalg.norm(rows.table.features, axis=1)
    assert lengths == pytest.approx([1, 1], abs=1e-3)


def test_a_loosened_gate_is_not_inherited() -> None:
    loosened = ("gate.alpha=0.49", "++gate.recall_tolerance=1", "safety.miss_targets=[0.9]")
    assert _inherited((*loosened, "head.epochs=3", "+seed=1")) == ("head.epochs=3", "+seed=1")


def test_windows_of_an_incident_are_its_drifted_nights(served: Settings, engine: Engine) -> None:
    from mycovigil_training.retrain.production_rows import drifted_windows

    with Session(engine) as session, session.begin():
        job = arrive(session, served, photos=2, labelled=0)
        model = session.scalars(select(Model)).one()
        reference = session.scalars(select(ReferenceSet)).one()
        make_report(session, model, reference, night=1)
        make_report(session, model, reference, night=2, verdict=ReportVerdict.DRIFT)
        nights = [window.start.day for window in drifted_windows(session, job.incident_id)]
        assert session.scalars(select(DriftReport)).all()
        assert drifted_windows(session, None) == []
    assert nights == [1, 3]


@pytest.mark.whole
def test_the_child_process_ends_with_one_line_of_json(served: Settings, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        job_id = arrive(session, served, photos=10, labelled=0).id
    done = _run(served, job_id)
    assert done.returncode == 0, done.stderr[-2_000:]
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(last) == {"model_id", "version", "gate"}
    assert isinstance(last["gate"]["passed"], bool)


def test_an_unknown_job_is_none(training_settings: Settings, clean_database: str) -> None:
    with pytest.raises(LookupError, match="there is no retrain job"):
        retrain(training_settings, uuid.UUID(int=1))


@pytest.mark.whole
def test_an_unknown_job_is_said_so(training_settings: Settings, clean_database: str) -> None:
    done = _run(training_settings, uuid.UUID(int=1))
    assert done.returncode == 1
    assert "there is no retrain job" in done.stderr.strip().splitlines()[-1]


def _run(settings: Settings, job_id: uuid.UUID) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "MYCOVIGIL_DATABASE_URL": settings.database.url.get_secret_value(),
        "MYCOVIGIL_STORAGE_URL": settings.storage.url,
        "MYCOVIGIL_TRAINING_DATASET": str(settings.training.dataset),
    }
    command = [sys.executable, "-m", "mycovigil_training", "retrain", "--job", str(job_id)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
