"""The prediction document, the same for the answer to a photo and for its look-up later."""

import datetime
import uuid

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from mycovigil.models.bundle import Certificate
from mycovigil.models.safety import CLASSES, Advice, CertificateStatus, SafetyClass
from mycovigil_predictor.certificate_status import as_of_today
from mycovigil_predictor.inference.answering_model import AnsweringModel
from mycovigil_predictor.inference.serving import LoadedModel
from mycovigil_predictor.log.prediction_log import Destination
from mycovigil_predictor.log.row import Row

MOST_CONFUSIONS = 6
EXAMPLE: JsonDict = {
    "id": "019ab1c2-6f00-7d3e-9a55-0c8b1f2e3d4c",
    "label": "edible",
    "probabilities": {
        "edible": 0.52,
        "conditionally_edible": 0.2,
        "poisonous": 0.15,
        "deadly": 0.13,
    },
    "prediction_set": ["edible", "conditionally_edible", "poisonous", "deadly"],
    "verdict": "avoid",
    "reasons": [
        {
            "code": "deadly_possible",
            "text": "It may be a deadly species: probability 13.0%, and from 2.0% on we say avoid.",
        }
    ],
    "certificate": {
        "state": "valid",
        "bound": 0.05,
        "statement": "With 95% confidence at most 5% of deadly specimens have a photo that is "
        "answered neither avoid nor cannot_tell.",
    },
    "distance_to_reference": 0.31,
    "might_be_confused_with": ["Amanita phalloides"],
    "model": {"id": "019ab1c2-0000-7000-8000-000000000000", "version": "20261122-1", "demo": False},
    "encoder": {"name": "lite", "precision": "int8-weights"},
    "created_at": "2026-11-22T18:00:00.123Z",
    "photos": 1,
    "logged": "database",
}


class ReasonView(BaseModel):
    """A rule that held: ``code`` is stable, ``text`` is for people."""

    code: str
    text: str


class CertificateView(BaseModel):
    """What may be relied on today; ``bound`` only while the state is ``valid``."""

    state: CertificateStatus
    bound: float | None
    statement: str


class ModelView(BaseModel):
    id: uuid.UUID
    version: str
    demo: bool = Field(
        False, description="The demo model: trained on drawn mushrooms, not for real ones."
    )


class EncoderView(BaseModel):
    name: str
    precision: str


class Answer(BaseModel):
    """A prediction. There is no "safe": no photo can carry that promise."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: uuid.UUID
    label: SafetyClass = Field(description="The likeliest class; never advice by itself.")
    probabilities: dict[SafetyClass, float] = Field(
        description="Calibrated as if all classes were photographed equally often; they sum to 1."
    )
    prediction_set: list[SafetyClass] = Field(
        description="Conformal: the classes that are not ruled out."
    )
    verdict: Advice
    reasons: list[ReasonView]
    certificate: CertificateView
    distance_to_reference: float = Field(
        description="Mean cosine distance to the nearest photos that the model knows."
    )
    might_be_confused_with: list[str]
    model: ModelView
    encoder: EncoderView
    created_at: datetime.datetime
    photos: int = Field(description="How many photos of the specimen were pooled.")
    logged: str = Field(pattern="^(database|spool)$", description="Where the row is now.")


def answer_of(
    row: Row, model: AnsweringModel, logged: Destination, *, stop: str | None = None
) -> Answer:
    """The document of a logged row of ``model``, with no more promised than holds today.

    Args:
        stop: why an operator stopped all answers, if they are stopped.
    """
    row = as_of_today(row, model.certificate_status, stop)
    state = CertificateStatus(row.certificate)
    return Answer(
        id=row.id,
        label=SafetyClass(row.label),
        probabilities=dict(zip(CLASSES, row.probabilities, strict=True)),
        prediction_set=[SafetyClass(name) for name in row.prediction_set],
        verdict=Advice(row.verdict),
        reasons=[ReasonView.model_validate(reason) for reason in row.reasons],
        certificate=_view(state, model.certificate),
        distance_to_reference=row.distance,
        might_be_confused_with=_confusions(row, model.loaded),
        model=ModelView(id=model.model_id, version=model.version, demo=model.demo),
        encoder=EncoderView(name=model.encoder_name, precision=model.encoder_precision),
        created_at=row.created_at,
        photos=row.photos,
        logged=logged,
    )


def _view(state: CertificateStatus, certificate: Certificate) -> CertificateView:
    if state == CertificateStatus.VALID:
        return CertificateView(
            state=state, bound=certificate.bound, statement=certificate.statement
        )
    statement = {
        CertificateStatus.SUSPECT: "In doubt: a drift was seen, or nobody looks any more. "
        "It said: ",
        CertificateStatus.VOID: "Void: labels refute it. It said: ",
        CertificateStatus.NOT_CERTIFIABLE: "",
    }[state] + certificate.statement
    return CertificateView(state=state, bound=None, statement=statement)


def _confusions(row: Row, model: LoadedModel | None) -> list[str]:
    """The nearest species of the reference, and what they and the label are mistaken for.

    The bundle names look-alikes with their class, "Amanita phalloides (deadly)": of two names
    for one species the one with its class is shown.
    """
    if model is None:
        return list(row.nearest_species or ())
    nearest = row.nearest_species
    if nearest is None:
        nearest = model.advisor.nearest_species(row.features)
    known = model.meta.look_alikes
    shown: dict[str, str] = {}
    names = (*nearest, row.label)
    for text in (*nearest, *(other for name in names for other in known.get(name, ()))):
        species = text.partition(" (")[0]
        shown[species] = max(shown.get(species, ""), text, key=len)
    return list(shown.values())[:MOST_CONFUSIONS]
