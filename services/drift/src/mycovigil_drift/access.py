"""Who may do what: API keys as ``Authorization: Bearer``, or the login cookie."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from mycovigil.access import Scope
from mycovigil.problem import Problem
from mycovigil.settings import DriftSettings, Settings
from mycovigil_drift.session import PROBE_SECONDS, Database
from mycovigil_web import callers
from mycovigil_web.keys import Caller, KeyCache
from mycovigil_web.metrics import WebMetrics
from mycovigil_web.middleware import QUIET
from mycovigil_web.rate_limit import RateLimit

COOKIE = "mycovigil_key"
# So that a link from a chat or a mail finds its reader logged in; forms carry a token besides.
COOKIE_SENT: Final = "lax"
SAFE_METHODS = frozenset({"GET", "HEAD"})
scheme = HTTPBearer(auto_error=False, description="A Mycovigil API key: `myco_…`")


@dataclass(frozen=True, slots=True)
class AccessControl:
    """Keys and rates of the running application."""

    keys: KeyCache
    rate: RateLimit
    settings: DriftSettings

    @classmethod
    @asynccontextmanager
    async def running(
        cls, settings: Settings, database: Database, metrics: WebMetrics
    ) -> AsyncIterator["AccessControl"]:
        # A revoked key must lose its power over models at once, so each request looks its key up.
        keys = KeyCache(database.probes, seconds=PROBE_SECONDS, fresh_seconds=0.0)
        redis_url = settings.redis.url.get_secret_value()
        rate = RateLimit(redis_url, service="drift", failures=metrics.limit_failures)
        try:
            yield cls(keys, rate, settings.drift)
        finally:
            await rate.close()
            keys.close()

    async def authorise(self, request: Request, presented: str | None, scope: Scope) -> Caller:
        """The key's holder, if they have ``scope`` and are within their rate.

        Raises:
            Problem: 401 without a good key, 403 without the scope, 429 or 503.
        """
        if presented is None:
            raise callers.no_key()
        return await callers.admit(
            request,
            presented,
            scope,
            keys=self.keys,
            rate=self.rate,
            key_rate=self.settings.key_rate,
        )


async def access_control(request: Request) -> AccessControl:
    """The application's access control, typed."""
    control: AccessControl = request.state.access
    return control


Access = Annotated[AccessControl, Depends(access_control)]


def presented_key(request: Request) -> str | None:
    """The key in the header, or in the cookie of a request that changes nothing, so that another
    site's form can change nothing in the name of a person who is logged in."""
    key = callers.bearer(request.headers.get("authorization"))
    if key is not None:
        return key
    return request.cookies.get(COOKIE) if request.method in SAFE_METHODS else None


async def limited_by_address(request: Request, access: Access) -> None:
    """A dependency of every route: requests without a key are limited by address.

    Raises:
        Problem: 429, over the rate.
    """
    if presented_key(request) is None and request.url.path not in QUIET:
        await _limit_address(request, access)


async def _limit_address(request: Request, access: AccessControl) -> None:
    address = callers.client_address(request)
    await access.rate.check(access.settings.address_rate, "address", address)


def requires(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets in holders of ``scope`` only."""

    async def allowed(
        request: Request, access: Access, _: Annotated[object, Depends(scheme)]
    ) -> Caller:
        return await access.authorise(request, presented_key(request), scope)

    return allowed


async def viewer(
    request: Request, access: Access, _: Annotated[object, Depends(scheme)]
) -> Caller | None:
    """Who views a page, or what a page shows: anybody, if the operator made the pages public."""
    public = access.settings.public_dashboard
    presented = presented_key(request)
    if presented is None and public:
        return None
    try:
        caller = await access.authorise(request, presented, Scope.READ)
    except Problem as problem:
        if public and _by_cookie(request) and problem.status in (401, 403):
            request.state.stale_cookie = True  # revoked or expired: as without a login
            await _limit_address(request, access)
            return None
        raise
    request.state.viewer = caller
    return caller


def _by_cookie(request: Request) -> bool:
    return callers.bearer(request.headers.get("authorization")) is None


Reader = Annotated[Caller, Depends(requires(Scope.READ))]
Operator = Annotated[Caller, Depends(requires(Scope.OPERATE))]
Viewer = Annotated[Caller | None, Depends(viewer)]
