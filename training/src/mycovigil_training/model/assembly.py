"""From feature rows to a bundle: head, calibration, thresholds, certificate, figures."""

import datetime
import secrets
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mycovigil.models.bundle import Bundle, BundleMeta, Certificate
from mycovigil.models.safety import CLASSES, CertificateStatus
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_statistics.safety.calibration import (
    Scaling,
    balanced_weights,
    log_loss,
    softmax,
    vector_scaling,
)
from mycovigil_statistics.safety.novelty import (
    k_centre_anchors,
    mean_distance,
    non_mushroom_direction,
    random_anchors,
)
from mycovigil_training.configuration import TrainConfig
from mycovigil_training.features.table import FeatureTable
from mycovigil_training.head.fitting import Head, fit
from mycovigil_training.head.outputs import require_every_class
from mycovigil_training.model.certification import CalibrationRows, certify
from mycovigil_training.model.cross_fit import cross_fitted
from mycovigil_training.model.evaluation import evaluate
from mycovigil_training.model.look_alike import look_alikes
from mycovigil_training.model.scoring import answers, plain

# Validation photos of each class that calibrate probabilities; with fewer, five more heads do.
FEWEST = 100


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows of each part; ``views`` are (m, D) augmented views of training rows and the
    places (m,) of these, ``foreign`` (f, D) photos without a mushroom, ``new_days`` (n,) which
    calibration rows were sent since the drift that the model answers, None if it answers none."""

    train: FeatureTable
    views: tuple[NDArray[np.float32], NDArray[np.int64]]
    validation: FeatureTable
    calibration: FeatureTable
    holdout: FeatureTable
    foreign: NDArray[np.float32]
    new_days: NDArray[np.bool_] | None = None

    @property
    def seen(self) -> list[str]:
        """The sha256 of every photo that the model is trained, stopped or calibrated by."""
        tables = (self.train, self.validation, self.calibration)
        return [digest for table in tables for digest in table.sha256.tolist()]


def assemble(
    parts: Parts,
    config: TrainConfig,
    *,
    identity: EncoderIdentity,
    encoder_uri: str,
    origin: dict[str, Any],
    new_days_since: datetime.datetime | None = None,
) -> Bundle:
    """Train, calibrate, certify and judge; the bundle is complete but for the gate.

    Raises:
        TooFewPhotos: a class has no training photo.
    """
    require_every_class(parts.train.labels)
    head = _fitted(parts, config)
    scales = _scaling_rows(head, parts, config)
    equal = balanced_weights(scales[1], len(CLASSES))
    scaling = vector_scaling(*scales, equal)
    anchors = _anchors(parts.train.features, config)
    known = parts.train.features[anchors]
    count = config.safety.neighbours
    direction = _non_mushroom_direction(parts, identity, config)
    fresh = _unknown_to_encoder(parts, identity)
    calibration = CalibrationRows(
        probabilities=scaling.probabilities(head.logits(fresh.calibration.features)),
        labels=fresh.calibration.labels,
        groups=fresh.calibration.groups,
        distances=mean_distance(fresh.calibration.features, known, count),
        non_mushroom_scores=_non_mushroom_scores(fresh.calibration, direction),
        new_days=fresh.new_days,
    )
    foreign = mean_distance(parts.foreign, known, count) if len(parts.foreign) else np.empty(0)
    thresholds, certificate = certify(calibration, config.safety, foreign=foreign)
    certificate = _with_note(certificate, len(parts.calibration) - len(fresh.calibration))
    if certificate.state is not CertificateStatus.VALID:
        certificate = certificate.model_copy(update={"new_days_since": new_days_since})
    train = parts.train
    meta = BundleMeta(
        version=_version(),
        encoder_uri=encoder_uri,
        encoder_name=identity.name,
        encoder_precision=identity.precision,
        onnx_digest=identity.onnx_digest,
        preprocessing_digest=identity.preprocessing_digest,
        dimension=identity.dimension,
        classes=CLASSES,
        thresholds=thresholds,
        certificate=certificate,
        look_alikes=look_alikes(train.features, train.labels, train.species),
        neighbours=count,
        calibration=_described(scaling, *scales, equal),
        output_species=head.species,
        training=origin | _counts(parts, head, config),
    )
    return _judged(_bundle(meta, head, scaling, train, anchors, direction), fresh.holdout)


def _fitted(parts: Parts, config: TrainConfig) -> Head:
    train, (views, places) = parts.train, parts.views
    rows = np.concatenate([train.features, views])
    labels = np.concatenate([train.labels, train.labels[places]])
    species = np.concatenate([train.species, train.species[places]])
    held = (parts.validation.features, parts.validation.labels)
    return fit(rows, labels, species, held, config.head, seed=config.seed)


def _scaling_rows(
    head: Head, parts: Parts, config: TrainConfig
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits and labels that the probabilities are fitted to: those of the validation photos or,
    where a class has few, of all photos that are learned from or stop the training, out of fold."""
    held = parts.validation
    if np.bincount(held.labels, minlength=len(CLASSES)).min() < FEWEST:
        rows = parts.train.joined(held)
        logits = cross_fitted(rows.features, rows.labels, rows.species, rows.groups, config)
        if logits is not None:
            return logits, rows.labels
    held = held if len(held) else parts.train
    return head.logits(held.features), held.labels


def _unknown_to_encoder(parts: Parts, identity: EncoderIdentity) -> Parts:
    """Calibration and holdout without the photos that the encoder itself learned from: it knows
    their labels, so figures on them would hold for no other photo."""

    def fresh(table: FeatureTable) -> NDArray[np.bool_]:
        return ~identity.learned_from(table.sha256.tolist())

    calibration = fresh(parts.calibration)
    return replace(
        parts,
        calibration=parts.calibration.take(calibration),
        holdout=parts.holdout.take(fresh(parts.holdout)),
        new_days=None if parts.new_days is None else parts.new_days[calibration],
    )


def _with_note(certificate: Certificate, left_out: int) -> Certificate:
    if not left_out:
        return certificate
    note = f" {left_out} photos do not count for it: the encoder has learned from them."
    return certificate.model_copy(update={"statement": certificate.statement + note})


def _non_mushroom_direction(
    parts: Parts, identity: EncoderIdentity, config: TrainConfig
) -> NDArray[np.float32] | None:
    """Learned from photos without a mushroom; where they are too few, the
    encoder's own direction."""
    learned = non_mushroom_direction(parts.train.features, parts.foreign, seed=config.seed)
    if learned is not None or not identity.non_mushroom_direction:
        return learned
    return np.asarray(identity.non_mushroom_direction, dtype=np.float32)


def _non_mushroom_scores(
    rows: FeatureTable, direction: NDArray[np.float32] | None
) -> NDArray[np.float64] | None:
    return None if direction is None else np.asarray(rows.features @ direction, dtype=np.float64)


def _anchors(features: NDArray[np.float32], config: TrainConfig) -> NDArray[np.int64]:
    count = config.safety.anchors
    if config.safety.anchor_choice == "k_centre":
        return k_centre_anchors(features, count, config.seed)
    return random_anchors(count, len(features), config.seed)


def _bundle(
    meta: BundleMeta,
    head: Head,
    scaling: Scaling,
    train: FeatureTable,
    anchors: NDArray[np.int64],
    direction: NDArray[np.float32] | None,
) -> Bundle:
    return Bundle(
        meta=meta,
        weight=head.weight.astype(np.float32),
        bias=head.bias.astype(np.float32),
        centre=head.centre.astype(np.float32),
        output_classes=head.classes,
        scale=scaling.scale.astype(np.float32),
        offset=scaling.offset.astype(np.float32),
        anchors=train.features[anchors],
        non_mushroom_direction=direction,
        species=tuple(train.species[anchors].tolist()),
    )


def _judged(bundle: Bundle, holdout: FeatureTable) -> Bundle:
    """The bundle with its own figures on photos that nothing of it has seen."""
    found = answers(bundle, holdout.features)
    metrics = evaluate(found, holdout.labels, holdout.groups, bundle.meta.thresholds)
    meta = bundle.meta.model_copy(update={"metrics": plain(metrics)})
    return bundle.model_copy(update={"meta": meta})


def _described(
    scaling: Scaling,
    logits: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    """How the probabilities were calibrated; ``shares`` are the classes' they hold for: a deadly
    class that the collection has few photos of is not taken for a rare one."""
    return {
        "method": "vector scaling",
        "photos": len(labels),
        "scale": scaling.scale.tolist(),
        "offset": scaling.offset.tolist(),
        "shares": {name.value: 1 / len(CLASSES) for name in CLASSES},
        "log_loss_before": log_loss(softmax(logits), labels, weights),
        "log_loss": log_loss(scaling.probabilities(logits), labels, weights),
    }


def _counts(parts: Parts, head: Head, config: TrainConfig) -> dict[str, Any]:
    tables = {
        "train": parts.train,
        "validation": parts.validation,
        "calibration": parts.calibration,
        "holdout": parts.holdout,
    }
    return {
        "photos": {
            name: dict(
                zip(
                    [c.value for c in CLASSES],
                    np.bincount(table.labels, minlength=len(CLASSES)).tolist(),
                    strict=True,
                )
            )
            for name, table in tables.items()
        },
        "views": len(parts.views[0]),
        "not_mushroom": len(parts.foreign),
        "epochs": head.epochs,
        "validation_loss": [round(loss, 6) for loss in head.curve],
        "configuration": config.model_dump(mode="json"),
    }


def _version() -> str:
    """Sorts by time: ``20261122-174500-3fa9``."""
    return f"{datetime.datetime.now(tz=datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
