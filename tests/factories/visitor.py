"""A person at the dashboard: logged in by cookie, and able to send its forms."""

from fastapi.testclient import TestClient
from httpx2 import Response

from mycovigil_drift.access import COOKIE
from mycovigil_drift.dashboard.form import token_of


class Visitor:
    """Sends forms as the pages do: the login's cookie, and the token beside it."""

    def __init__(self, client: TestClient, key: str) -> None:
        self._client = client
        self._key = key
        client.cookies.set(COOKIE, key)

    def looks(self, path: str) -> Response:
        return self._client.get(path, headers={"Accept": "text/html"})

    def sends(self, path: str, **fields: object) -> Response:
        form = {"token": token_of(self._key)} | {k: v for k, v in fields.items() if v is not None}
        return self._client.post(path, data=form, headers={"Accept": "text/html"})
