"""The upload page for people; works without JavaScript."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.templating import Jinja2Templates

from mycovigil.access import Scope
from mycovigil.db.base import new_id
from mycovigil.problem import Problem
from mycovigil.vision.image.gallery import small_copy
from mycovigil_predictor.api.routes import intake
from mycovigil_predictor.api.routes.caller import admitted
from mycovigil_predictor.api.routes.origin import PredictionHeaders, origin_of
from mycovigil_predictor.api.upload import Upload
from mycovigil_predictor.api.wording import CLASSES, VERDICTS, percent, phone_number
from mycovigil_predictor.classify import Origin
from mycovigil_predictor.state import Predictor, Service
from mycovigil_web.callers import client_address
from mycovigil_web.keys import Caller

PICTURE_SIDE = 480
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Asked for by name, a phone makes a JPEG of its HEIC photo; asked for "image/*" it sends the HEIC.
FORMATS = "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/tiff"
PAGE = Caller(name="page", prefix="page")
templates = Jinja2Templates(Path(__file__).parents[1] / "pages" / "templates")
templates.env.filters["percent"] = percent
router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def upload_page(request: Request, predictor: Service) -> Response:
    return _page(request, predictor, "upload.html")


@router.post("/")
async def result_page(request: Request, predictor: Service) -> Response:
    """Classify the form's photos; a problem is shown on the upload page."""
    first: list[bytes] = []
    callers: list[Caller] = []

    async def before_photos(fields: dict[str, str]) -> None:
        callers.append(await _caller(request, predictor, fields))

    async def origin(uploaded: Upload) -> Origin:
        first.append(uploaded.photos[0])
        return _origin(request, predictor, callers[0], uploaded)

    options = predictor.settings.predictor
    try:
        await predictor.rate.check(options.page_rate, "page", client_address(request))
        answer = await intake.receive(
            predictor,
            request,
            origin,
            admission=predictor.page_admission,
            before_photos=before_photos,
        )
    except Problem as problem:
        predictor.metrics.web.problems.labels(problem.slug).inc()
        return _page(request, predictor, "upload.html", problem.status, problem=problem)
    shares = [(name.value, share) for name, share in answer.probabilities.items()]
    return _page(
        request,
        predictor,
        "result.html",
        answer=answer,
        verdict=VERDICTS[answer.verdict],
        classes=CLASSES,
        shares=shares[::-1],
        picture=await asyncio.to_thread(_picture, first[0]),
    )


async def _caller(request: Request, predictor: Predictor, fields: dict[str, str]) -> Caller:
    """Whoever sends the form: its key comes before its photos, and is asked before those."""
    if predictor.settings.predictor.public_page:
        return PAGE
    presented = fields.get("key", "").strip()
    caller = await admitted(predictor, request, presented, Scope.PREDICT)
    return Caller(name=PAGE.name, prefix=caller.prefix)


def _origin(request: Request, predictor: Predictor, caller: Caller, uploaded: Upload) -> Origin:
    once = uploaded.fields.get("once", "").replace("\0", "")[:100] or None
    headers = PredictionHeaders(
        idempotency_key=once,
        x_client_session=None,
        x_app_version=None,
        x_deadline_seconds=None,
    )
    most = predictor.settings.predictor.deadline_seconds
    return origin_of(request, headers, caller, most_seconds=most)


def _page(
    request: Request, predictor: Predictor, name: str, status: int = 200, **values: Any
) -> Response:
    options, serving = predictor.settings.predictor, predictor.reloader.serving
    context = {
        "public": options.public_page,
        "poison_centre": phone_number(options.poison_centre),
        "formats": FORMATS,
        "most_photos": options.max_files,
        "keeps_photos": predictor.settings.storage.keep_photos,
        "demo": serving is not None and serving.model.demo,
        "screens_only": serving is not None and serving.screens_only,
        "once": new_id(),
    }
    return templates.TemplateResponse(
        request,
        name,
        context | values,
        status_code=status,
        headers={"Content-Security-Policy": POLICY},
    )


def _picture(photo: bytes) -> str | None:
    """The photo as a small data URI, upright and without metadata."""
    try:
        small = small_copy(photo, side=PICTURE_SIDE)
    except Exception:  # Pillow raises nearly everything, and the answer is logged already
        return None
    return "data:image/jpeg;base64," + base64.b64encode(small).decode()
