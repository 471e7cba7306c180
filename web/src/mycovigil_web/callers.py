"""Who is let in: a good key with the scope, within the rate of the key or of the address."""

from fastapi import Request

from mycovigil.access import Scope
from mycovigil.problem import Problem
from mycovigil_web.keys import HOW_TO_SEND, Caller, KeyCache
from mycovigil_web.problems import unauthorised
from mycovigil_web.rate_limit import RateLimit

# Refused keys per address, before further ones are refused without a look-up.
REFUSALS_RATE = "300/minute"


async def admit(
    request: Request,
    presented: str,
    *any_of: Scope,
    keys: KeyCache,
    rate: RateLimit,
    key_rate: str,
) -> Caller:
    """The caller of a good key within its rate.

    Raises:
        Problem: 401, 403, 429 or 503.
    """
    address = client_address(request)
    if not keys.knows(presented):  # before a look-up, which costs the database
        await rate.test(REFUSALS_RATE, "refused", address)
    try:
        caller = await keys.caller(presented, *any_of)
    except Problem as problem:
        if problem.status == 401:
            await rate.check(REFUSALS_RATE, "refused", address)
        raise
    await rate.check(key_rate, "key", caller.prefix)
    return caller


def bearer(authorization: str | None) -> str | None:
    """The key in an ``Authorization`` header, if it carries one."""
    scheme, _, presented = (authorization or "").partition(" ")
    return presented.strip() or None if scheme.lower() == "bearer" else None


def no_key() -> Problem:
    return unauthorised(f"The request carries no API key. {HOW_TO_SEND}")


def client_address(request: Request) -> str:
    """The client's address, as the server or a trusted proxy knows it."""
    return request.client.host if request.client else "unknown"
