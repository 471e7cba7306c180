"""Parts of the OpenAPI document that signatures do not give: bodies and problems."""

import datetime
from typing import Any

from mycovigil.problem import Problem, not_found
from mycovigil_predictor import problems as made
from mycovigil_web.callers import no_key
from mycovigil_web.openapi import problem_response

PHOTO = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One photo, or several of one specimen (cap, gills, base), which are "
        "pooled. JPEG, PNG, WebP, GIF (first frame), BMP or TIFF; HEIC where the operator "
        "installed its library. Metadata is left aside, whatever its size.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": PHOTO,
                        "files": {"type": "array", "items": PHOTO},
                        "session": {"type": "string", "description": "As X-Client-Session."},
                    },
                }
            },
            "image/*": {"schema": PHOTO},
            "application/octet-stream": {"schema": PHOTO},
        },
    }
}
DESCRIPTIONS = {
    400: "The body cannot be read.",
    401: "No API key, or not a good one.",
    403: "The key lacks the scope.",
    404: "There is no such prediction.",
    410: "Retention has deleted the prediction.",
    408: "The upload took too long.",
    413: "Too many bytes, pixels or parts.",
    415: "A format that is not read.",
    422: "No photo, not a photo, or another value that is not valid.",
    429: "Over the rate, or the queue is full; see Retry-After.",
    503: "No model, no database, or too late; see Retry-After.",
}
AN_ID = "019ab1c2-6f00-7d3e-9a55-0c8b1f2e3d4c"
EXAMPLES: dict[int, Problem] = {
    400: Problem(
        400,
        "broken-multipart",
        "The form cannot be read",
        "Broken multipart body: the Content-Type names no boundary.",
    ),
    401: no_key(),
    403: Problem(
        403,
        "scope-missing",
        "The API key may not do this",
        "This needs the scope 'label'; the key 'field-station' has predict. Use one that has it.",
    ),
    404: not_found("prediction", AN_ID),
    408: Problem(
        408,
        "upload-too-slow",
        "The upload took too long",
        "The whole photo must arrive within 30 s. Send a smaller one.",
    ),
    410: made.expired(datetime.datetime(2025, 10, 3, tzinfo=datetime.UTC), 400),
    413: made.too_large(20_000_000),
    415: Problem(
        415,
        "unsupported-photo",
        "A format we do not read",
        "AVIF photos are not read; send JPEG, PNG or WebP.",
    ),
    422: Problem(
        422,
        "undecodable-photo",
        "Not a readable photo",
        "This is not a photo in JPEG, PNG, WebP, GIF, BMP or TIFF format.",
    ),
    429: made.busy(),
    503: made.no_model(),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route that may answer with these problems."""
    return {status: _response(status) for status in statuses}


def _response(status: int) -> dict[str, Any]:
    example = EXAMPLES[status].body(instance="/v1/predictions") | {"request_id": AN_ID}
    return problem_response(status, DESCRIPTIONS[status], example)
