"""Stylesheets, fonts, icon and scripts, cached by browsers if the address has a digest."""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from mycovigil_drift.dashboard.templating import STATIC

FOREVER = "public, max-age=31536000, immutable"


class ImmutableFiles(StaticFiles):
    """Static files; one requested with a digest never changes under its address."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope.get("query_string", b""):
            MutableHeaders(raw=response.raw_headers)["Cache-Control"] = FOREVER
        return response


def immutable() -> ImmutableFiles:
    return ImmutableFiles(directory=STATIC)
