"""What the OpenAPI document says beside the signatures: bodies and problems."""

from typing import Any

from mycovigil.problem import MEDIA_TYPE

PHOTO = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One photo, or several of one specimen (cap, gills, base), which are "
        "pooled. JPEG, PNG, WebP, GIF (first frame), BMP or TIFF.",
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
TOLD = {
    400: "The body cannot be read.",
    401: "No API key, or not a good one.",
    403: "The key lacks the scope.",
    404: "There is no such prediction.",
    408: "The upload took too long.",
    413: "Too many bytes, pixels or parts.",
    415: "A format that is not read.",
    422: "No photo, not a photo, or another value that is not valid.",
    429: "Over the rate, or the queue is full; see Retry-After.",
    503: "No model, no database, or too late; see Retry-After.",
}
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route that may answer with these problems."""
    return {
        status: {"description": TOLD[status], "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in statuses
    }
