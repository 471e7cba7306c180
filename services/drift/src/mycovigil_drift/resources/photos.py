"""Stored photos by sha256. ``/v1/photos`` in full, ``/photos`` as thumbnails for the pages."""

import io
from typing import Annotated

from fastapi import APIRouter, Path, Response
from PIL import Image

from mycovigil.storage import MissingObject, photo_key
from mycovigil.vision.image.gallery import small_copy
from mycovigil_drift.access import Viewer
from mycovigil_drift.state import AppState, State

router = APIRouter(tags=["photos"])
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the photo.")]
# The address is a digest: its content never changes.
FOREVER = "private, max-age=31536000, immutable"
# Pixels of a thumbnail's longer side.
THUMBNAIL_PIXELS = 384
# Types of stored files by their first bytes; all others are JPEGs.
KINDS = {b"\x89PNG": "image/png", b"RIFF": "image/webp"}
JPEG = "image/jpeg"
# Shown in place of a photo that was never stored or has been deleted.
PLACEHOLDER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96" role="img">'
    "<title>This photo was not kept, or has been deleted since</title>"
    '<rect width="96" height="96" fill="#8a8577" fill-opacity=".18"/>'
    '<g fill="none" stroke="#8a8577" stroke-width="3" stroke-linecap="round">'
    '<path d="M28 40c0-12 9-19 20-19s20 7 20 19z"/><path d="M42 40v18h12V40"/>'
    '<path d="M22 66 74 14"/></g>'
    '<text x="48" y="82" text-anchor="middle" font-family="sans-serif" font-size="9" '
    'fill="#8a8577">deleted since</text></svg>'
)


@router.get("/v1/photos/{digest}", summary="A stored photo", response_class=Response)
def get_photo(digest: Digest, state: AppState, _: Viewer) -> Response:
    """404 with a placeholder image if the photo was not stored or has been deleted."""
    data = _stored(state, digest)
    return _placeholder(404) if data is None else _picture(data)


@router.get("/photos/{digest}", include_in_schema=False)
def show_photo(digest: Digest, state: AppState, _: Viewer) -> Response:
    """A thumbnail, or the placeholder with status 200: a missing photo is no error of a page."""
    data = _stored(state, digest)
    return _placeholder(200) if data is None else _picture(thumbnail(data))


def thumbnail(data: bytes) -> bytes:
    """A JPEG of at most :data:`THUMBNAIL_PIXELS` a side, upright and in sRGB; a smaller photo is
    returned unchanged.

    libjpeg decodes it at a fraction of its size, which takes a few milliseconds. Bytes that Pillow
    cannot open are returned unchanged.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            small = max(image.size) <= THUMBNAIL_PIXELS
        return data if small else small_copy(data, side=THUMBNAIL_PIXELS)
    except (OSError, ValueError, Image.DecompressionBombError):
        return data


def _stored(state: State, digest: str) -> bytes | None:
    try:
        return state.storage.read(photo_key(digest))
    except MissingObject:
        return None


def _picture(data: bytes) -> Response:
    kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), JPEG)
    return Response(data, media_type=kind, headers={"Cache-Control": FOREVER})


def _placeholder(status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(PLACEHOLDER, status, headers, media_type="image/svg+xml")
