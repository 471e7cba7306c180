"""Forms that change something: accepted with the login cookie and a token against CSRF.

The token is an HMAC under the key in the cookie (OWASP, CSRF prevention, HMAC-based token
pattern): the server stores nothing, and a stolen token is of no use without the cookie.
"""

import datetime
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator

from mycovigil.access import Scope
from mycovigil.problem import Problem
from mycovigil_drift.access import COOKIE, Access
from mycovigil_drift.words import Words
from mycovigil_web.keys import Caller
from mycovigil_web.problems import unauthorised

PURPOSE = b"mycovigil form"
NOTICE = "mycovigil_notice"
NOTICE_SECONDS = 30
Reason = Annotated[Words, Form()]


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment


# A browser's field sends a time without a zone, which is read as UTC.
UtcMoment = Annotated[datetime.datetime, AfterValidator(_in_utc)]


def token_of(key: str) -> str:
    """The token of forms of the holder of ``key``."""
    return hmac.new(key.encode(), PURPOSE, hashlib.sha256).hexdigest()


def sender_with(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the key's holder who sent the form, if the key has ``scope``."""

    async def form_sender(
        request: Request,
        access: Access,
        token: Annotated[str, Form(max_length=200)] = "",
    ) -> Caller:
        """Raises:
        Problem: 401 without a login, 403 if the form is not one of ours or the key lacks the
            scope.
        """
        key = request.cookies.get(COOKIE)
        if key is None:
            raise unauthorised(f"Log in with a key that has the scope '{scope}', and try again.")
        if _cross_site(request) or not hmac.compare_digest(token_of(key).encode(), token.encode()):
            detail = (
                "The form did not come from a page of this login. Open the page anew, and send it."
            )
            raise Problem(403, "form-not-ours", "Not our form", detail)
        return await access.authorise(request, key, scope)

    return form_sender


def redirect(path: str, notice: str) -> RedirectResponse:
    """To a page that shows ``notice`` once (post, redirect, get)."""
    response = RedirectResponse(path, 303)
    response.set_cookie(
        NOTICE, notice, max_age=NOTICE_SECONDS, httponly=True, samesite="strict", path="/"
    )
    return response


def _cross_site(request: Request) -> bool:
    """Whether the browser says so (Fetch Metadata); older ones send no such header."""
    return request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


FormSender = Annotated[Caller, Depends(sender_with(Scope.OPERATE))]
LabelSender = Annotated[Caller, Depends(sender_with(Scope.LABEL))]
