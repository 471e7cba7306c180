"""``/v1/predictions``: classify, look up, label."""

import asyncio
import datetime
import uuid

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.access import Scope
from mycovigil.models.safety import SafetyClass
from mycovigil.problem import Problem, not_found
from mycovigil.references.labelling import Truth, give
from mycovigil_predictor import problems
from mycovigil_predictor.api.answer import Answer, answer_of
from mycovigil_predictor.api.routes import intake, openapi
from mycovigil_predictor.api.routes.caller import Documented, Labelling, Predicting, Reading
from mycovigil_predictor.api.routes.origin import Headers, origin_of
from mycovigil_predictor.api.upload import Upload
from mycovigil_predictor.classify import Origin
from mycovigil_predictor.log.lookup import moment_of
from mycovigil_predictor.log.prediction_log import Destination
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.state import Predictor, Service
from mycovigil_web.keys import Caller
from mycovigil_web.problems import database_away

router = APIRouter(prefix="/v1/predictions", tags=["predictions"], dependencies=[Documented])


# Ids of predictions are UUIDv7, which carry their time.
UUID_OF_TIME = 7
LABEL: JsonDict = {
    "label": "deadly",
    "species": "Amanita phalloides",
    "confidence": "certain",
}
LABELLED: JsonDict = {
    "prediction_id": openapi.AN_ID,
    "labelled_by": "field-station",
    "created_at": "2026-11-23T09:00:00Z",
}


class LabelBody(BaseModel):
    """Ground truth from a person."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": LABEL})
    label: SafetyClass
    species: str | None = Field(None, max_length=200, pattern=r"^[^\x00]*$")
    confidence: str = Field(pattern="^(certain|probable|guess)$")


class LabelView(LabelBody):
    model_config = ConfigDict(json_schema_extra={"example": LABEL | LABELLED})
    prediction_id: uuid.UUID
    labelled_by: str
    created_at: datetime.datetime


@router.post(
    "",
    response_model=Answer,
    responses=openapi.problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra=openapi.UPLOAD,
    summary="Classify the photos of one specimen",
)
async def predict(
    request: Request, headers: Headers, caller: Predicting, predictor: Service
) -> Response:
    most = predictor.settings.predictor.deadline_seconds
    origin = origin_of(request, headers, caller, most_seconds=most)

    async def known(_uploaded: Upload) -> Origin:
        return origin

    answer = await intake.receive(predictor, request, known, admission=predictor.admission)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(
    "/{prediction_id}",
    responses=openapi.problems(401, 403, 404, 422, 429, 503),
    summary="Look up a prediction",
)
async def look_up(prediction_id: uuid.UUID, caller: Reading, predictor: Service) -> Answer:
    """With the scope ``read`` any prediction, else only those made with the same key."""
    row, destination = await _found(predictor, prediction_id)
    if Scope.READ not in caller.scopes and row.key_prefix != caller.prefix:
        raise not_found("prediction", prediction_id)
    model = await intake.answering_model(predictor, row)
    return answer_of(row, model, destination, stop=predictor.reloader.stop)


@router.put(
    "/{prediction_id}/label",
    responses=openapi.problems(401, 403, 404, 410, 422, 429, 503),
    summary="Tell the truth about a prediction",
)
async def label(
    prediction_id: uuid.UUID, body: LabelBody, caller: Labelling, predictor: Service
) -> LabelView:
    """Repeating it with another label corrects the earlier one of the same key."""
    if await predictor.lookup.by_id(prediction_id) is None:
        raise _missing(predictor, prediction_id)
    created_at = await asyncio.to_thread(_store, predictor, prediction_id, body, caller)
    return LabelView(
        **body.model_dump(),
        prediction_id=prediction_id,
        labelled_by=caller.name,
        created_at=created_at,
    )


async def _found(predictor: Predictor, identifier: uuid.UUID) -> tuple[Row, Destination]:
    found = await predictor.lookup.by_id(identifier)
    if found is None:
        raise not_found("prediction", identifier)
    return found


def _missing(predictor: Predictor, identifier: uuid.UUID) -> Problem:
    """404, or 410 where retention has deleted the days that the id's time lies in."""
    days = predictor.settings.storage.prediction_retention_days
    oldest = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(days=days)
    moment = moment_of(identifier)
    if identifier.version != UUID_OF_TIME or moment is None or moment >= oldest:
        return not_found("prediction", identifier)
    return problems.expired(moment, days)


def _store(
    predictor: Predictor, identifier: uuid.UUID, body: LabelBody, by: Caller
) -> datetime.datetime:
    truth = Truth(body.label, body.confidence, body.species)
    try:
        with predictor.sessions.begin() as session:
            return give(session, identifier, truth, name=by.name, prefix=by.prefix)
    except SQLAlchemyError as error:
        raise database_away() from error
