"""From a request's body to the document of a durable row: admission, upload, classification."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.problem import Problem, not_found
from mycovigil_predictor import problems
from mycovigil_predictor.admission import Admission
from mycovigil_predictor.api import upload
from mycovigil_predictor.api.answer import Answer, answer_of
from mycovigil_predictor.api.disconnect import unless_disconnected
from mycovigil_predictor.api.routes.origin import group_of
from mycovigil_predictor.api.upload import BeforePhotos, Limits, Upload
from mycovigil_predictor.classify import Origin
from mycovigil_predictor.inference.answering_model import AnsweringModel
from mycovigil_predictor.log.row import Row
from mycovigil_predictor.state import Predictor
from mycovigil_web.problems import database_away

SESSION_FIELD = "session"
SESSION_LENGTH = 200


async def receive(
    predictor: Predictor,
    request: Request,
    origin_of: Callable[[Upload], Awaitable[Origin]],
    *,
    admission: Admission,
    before_photos: BeforePhotos | None = None,
) -> Answer:
    """Read, classify and log the photos of ``request``; ``before_photos`` and ``origin_of`` may
    refuse it by a problem, the first before a photo is read.

    Raises:
        Problem: anything that is wrong with the request, or too much at once.
        ClientDisconnect: the client closed the connection.
    """
    if predictor.reloader.serving is None:
        raise problems.no_model(predictor.reloader.trouble)
    with admission.reserve() as reservation:
        options = predictor.settings.predictor
        try:
            async with asyncio.timeout(options.deadline_seconds):
                limits = Limits(options.max_upload_bytes, options.max_files)
                uploaded = await upload.read(request, limits, reservation, before_photos)
        except TimeoutError as error:
            raise _too_slow(options.deadline_seconds) from error
        origin = _grouped(await origin_of(uploaded), uploaded)
        work = predictor.classifier.classify(uploaded.photos, origin)
        row, destination = await unless_disconnected(request, work)
    request.scope["log_fields"]["prediction_id"] = str(row.id)
    model = await answering_model(predictor, row)
    request.scope["log_fields"]["demo"] = model.demo
    return answer_of(row, model, destination, stop=predictor.reloader.stop)


async def answering_model(predictor: Predictor, row: Row) -> AnsweringModel:
    """The model that gave ``row``, with its certificate's status of today.

    Raises:
        Problem: 503, an older model cannot be read now; 404, there is none.
    """
    serving = predictor.reloader.serving
    if serving and serving.model.model_id == row.model_id:
        return AnsweringModel.of_serving(serving)
    return await asyncio.to_thread(_older, predictor, row)


def _older(predictor: Predictor, row: Row) -> AnsweringModel:
    try:
        with predictor.sessions() as session:
            return predictor.answering_models.get(session, row.model_id)
    except LookupError as error:
        raise not_found("model", row.model_id) from error
    except SQLAlchemyError as error:
        raise database_away() from error


def _grouped(origin: Origin, uploaded: Upload) -> Origin:
    session = uploaded.fields.get(SESSION_FIELD, "").replace("\0", "")[:SESSION_LENGTH]
    return replace(origin, group_key=origin.group_key or group_of(origin.key_prefix, session))


def _too_slow(seconds: float) -> Problem:
    return Problem(
        408,
        "upload-too-slow",
        "The upload took too long",
        f"The whole photo must arrive within {seconds:g} s. Send a smaller one.",
        headers={"Connection": "close"},
    )
