"""``/v1/photos``: kept photos by the sha256 of their content, or a tile that says there is none."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from mycovigil.storage import MissingObject, photo_key
from mycovigil_drift.access import Viewer
from mycovigil_drift.state import AppState

router = APIRouter(prefix="/v1/photos", tags=["photos"])
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the photo.")]
FOREVER = "private, max-age=31536000, immutable"
"""The address is the content's own digest."""
TILE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" role="img">'
    "<title>This photo was not kept, or has been deleted</title>"
    '<rect width="96" height="96" fill="#8a8577" fill-opacity=".18"/>'
    '<g fill="none" stroke="#8a8577" stroke-width="3" stroke-linecap="round">'
    '<path d="M26 46c0-14 10-22 22-22s22 8 22 22z"/><path d="M41 46v22h14V46"/>'
    '<path d="M20 78 76 18"/></g></svg>'
)


@router.get("/{digest}", summary="A kept photo", response_class=Response)
def get_photo(digest: Digest, state: AppState, _: Viewer) -> Response:
    try:
        data = state.storage.read(photo_key(digest))
    except MissingObject:
        return Response(TILE, 404, {"Cache-Control": "no-store"}, media_type="image/svg+xml")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": FOREVER})
