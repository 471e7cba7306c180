"""Rows of the prediction log that were never answered."""

import uuid

import numpy as np

from mycovigil.db.base import new_id
from mycovigil_predictor.log.row import Claim, Row

COVARIATES: dict[str, float | int | None] = {
    "brightness": 0.5,
    "contrast": 0.2,
    "sharpness": -1.0,
    "colour_temperature": 5_500.0,
    "saturation": 0.3,
    "width": 800,
    "height": 600,
    "jpeg_quality": None,
}


def make_row(*, claim: Claim | None = None) -> Row:
    return Row(
        id=new_id(),
        request_id="r",
        trace_id=None,
        client="c",
        group_key=None,
        app_version=None,
        model_id=uuid.uuid4(),
        encoder_id=uuid.uuid4(),
        features=np.array([0.5, -0.25], dtype=np.float32),
        probabilities=[0.1, 0.2, 0.3, 0.4],
        label="deadly",
        prediction_set=["deadly"],
        verdict="avoid",
        certificate="valid",
        reasons=[{"code": "c", "text": "t"}],
        distance=0.1,
        photos=1,
        image_sha256="0",
        image_key=None,
        latency_ms=1.0,
        covariates=COVARIATES,
        claim=claim,
    )
