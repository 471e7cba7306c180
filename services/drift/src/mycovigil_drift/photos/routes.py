"""``/v1/photos``: kept photos by their sha256, or a tile that says there is none."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from mycovigil.storage import MissingObject, photo_key
from mycovigil_drift.access import Viewer
from mycovigil_drift.photos.thumbnail import thumbnail
from mycovigil_drift.state import AppState, State

router = APIRouter(tags=["photos"])
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the photo.")]
FOREVER = "private, max-age=31536000, immutable"
"""The address is a digest: what lies there never changes."""
THUMBNAIL = 384
"""Pixels of the longer side on a page."""
TILE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96" role="img">'
    "<title>This photo was not kept, or has been deleted since</title>"
    '<rect width="96" height="96" fill="#8a8577" fill-opacity=".18"/>'
    '<g fill="none" stroke="#8a8577" stroke-width="3" stroke-linecap="round">'
    '<path d="M28 40c0-12 9-19 20-19s20 7 20 19z"/><path d="M42 40v18h12V40"/>'
    '<path d="M22 66 74 14"/></g>'
    '<text x="48" y="82" text-anchor="middle" font-family="sans-serif" font-size="9" '
    'fill="#8a8577">deleted since</text></svg>'
)


@router.get("/v1/photos/{digest}", summary="A kept photo", response_class=Response)
def get_photo(digest: Digest, state: AppState, _: Viewer) -> Response:
    """404 with a tile to look at, where it was not kept or has been deleted."""
    return _photo(state, digest) or _tile(404)


@router.get("/photos/{digest}", include_in_schema=False)
def show_photo(digest: Digest, state: AppState, _: Viewer) -> Response:
    """A small one for pages, to whom a gap is no error."""
    return _photo(state, digest, most=THUMBNAIL) or _tile(200)


def _photo(state: State, digest: str, most: int | None = None) -> Response | None:
    try:
        data = state.storage.read(photo_key(digest))
    except MissingObject:
        return None
    data = data if most is None else thumbnail(data, most)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


def _tile(code: int) -> Response:
    return Response(TILE, code, {"Cache-Control": "no-store"}, media_type="image/svg+xml")
