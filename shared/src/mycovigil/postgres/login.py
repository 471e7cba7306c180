"""How a connection proves who it is, beside what its URL says.

Cloud SQL takes an access token of the service account that a database user is named after as its
password. It is good for an hour, so each connection asks for one; Google's library keeps it until
shortly before.
"""

import threading
from functools import cache, partial
from typing import Any

import psycopg

from mycovigil.settings import DatabaseSettings

SCOPE = "https://www.googleapis.com/auth/sqlservice.login"
# The metadata server answers in milliseconds.
SECONDS = 5.0
_lock = threading.Lock()


def parameters(database: DatabaseSettings) -> dict[str, str]:
    """libpq parameters of the login; none where the URL, or PGPASSWORD, has it all.

    Raises:
        psycopg.OperationalError: no token can be had.
    """
    return {"password": _token()} if database.login == "google" else {}


def _token() -> str:
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
    except ModuleNotFoundError as error:
        raise psycopg.OperationalError(
            f"{error.name} is not installed: pip install 'mycovigil[gcs]' brings it"
        ) from error
    try:
        with _lock:
            credentials = _credentials()
            if not credentials.valid:
                credentials.refresh(partial(Request(), timeout=SECONDS))
            return str(credentials.token)
    except GoogleAuthError as error:
        raise psycopg.OperationalError(f"no access token to log in with: {error}") from error


@cache
def _credentials() -> Any:
    """Of the account that this process runs as."""
    import google.auth

    credentials, _ = google.auth.default(scopes=[SCOPE])
    return credentials
