"""Forms that act: the login cookie counts only beside a token that no other site can know.

The token is an HMAC under the key in the cookie (OWASP, CSRF prevention, HMAC-based token
pattern), so that nothing has to be kept, and a stolen token opens nothing but forms.
"""

import datetime
import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator

from mycovigil.access import Scope
from mycovigil.problem import Problem
from mycovigil_drift.access import COOKIE, Principal, authorise, unauthorised
from mycovigil_drift.session import Database, database

PURPOSE = b"mycovigil form"
NOTICE = "mycovigil_notice"
NOTICE_SECONDS = 30
Reason = Annotated[str, Form(min_length=3, max_length=500)]


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment


UtcMoment = Annotated[datetime.datetime, AfterValidator(_in_utc)]
"""As a browser's field sends it: without a zone, which means UTC here."""


def token_of(key: str) -> str:
    """What a form of the holder of ``key`` carries."""
    return hmac.new(key.encode(), PURPOSE, hashlib.sha256).hexdigest()


def acting(
    request: Request,
    database: Annotated[Database, Depends(database)],
    token: Annotated[str, Form(max_length=200)] = "",
) -> Principal:
    """Who sent the form.

    Raises:
        Problem: 401 without a login, 403 where the form is not ours or the key may not operate.
    """
    key = request.cookies.get(COOKIE)
    if key is None:
        raise unauthorised("Log in with a key that has the scope 'operate', and try again.")
    if _from_elsewhere(request) or not hmac.compare_digest(token_of(key).encode(), token.encode()):
        detail = "The form did not come from a page of this login. Open the page anew, and send it."
        raise Problem(403, "form-not-ours", "Not our form", detail)
    return authorise(database, key, Scope.OPERATE)


def done(place: str, notice: str) -> RedirectResponse:
    """Back to a page, with a word on what was done (post, redirect, get)."""
    response = RedirectResponse(place, 303)
    response.set_cookie(
        NOTICE, notice, max_age=NOTICE_SECONDS, httponly=True, samesite="strict", path="/"
    )
    return response


def _from_elsewhere(request: Request) -> bool:
    """What the browser itself says (Fetch Metadata); older ones say nothing."""
    return request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


Actor = Annotated[Principal, Depends(acting)]
