"""Requests to the predictor, built once for all attempts of a call."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Photo = bytes | Path
Photos = Photo | Sequence[Photo]
PREDICTIONS = "/v1/predictions"


@dataclass(frozen=True, slots=True)
class Call:
    """A request; ``arguments``: keyword arguments of httpx's ``request``."""

    method: str
    path: str
    arguments: dict[str, Any] = field(default_factory=dict)


def predict(
    photos: Photos, *, session: str | None, app_version: str | None, idempotency_key: str | None
) -> Call:
    """``POST /v1/predictions``; each attempt carries the same idempotency key."""
    headers = {
        "idempotency-key": idempotency_key or str(uuid.uuid4()),
        "x-client-session": session,
        "x-app-version": app_version,
    }
    present = {name: value for name, value in headers.items() if value is not None}
    if isinstance(photos, bytes | Path):
        typed = present | {"content-type": "application/octet-stream"}
        return Call("POST", PREDICTIONS, {"content": _read(photos), "headers": typed})
    files = [("files", (f"{number}", _read(one))) for number, one in enumerate(photos)]
    return Call("POST", PREDICTIONS, {"files": files, "headers": present})


def look_up(prediction: uuid.UUID) -> Call:
    """``GET /v1/predictions/{id}``."""
    return Call("GET", f"{PREDICTIONS}/{prediction}")


def label(prediction: uuid.UUID, label: str, *, species: str | None, confidence: str) -> Call:
    """``PUT /v1/predictions/{id}/label``."""
    body = {"label": label, "species": species, "confidence": confidence}
    return Call("PUT", f"{PREDICTIONS}/{prediction}/label", {"json": body})


def authorization(api_key: str) -> dict[str, str]:
    """The header that carries the key."""
    return {"authorization": f"Bearer {api_key}"}


def _read(photo: Photo) -> bytes:
    return photo.read_bytes() if isinstance(photo, Path) else photo
