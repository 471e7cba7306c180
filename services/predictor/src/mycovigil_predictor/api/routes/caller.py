"""Dependencies that let a request in: key, scope, rate."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from mycovigil.access import Scope
from mycovigil.problem import Problem
from mycovigil_predictor.api.access import Caller, bearer
from mycovigil_predictor.state import Predictor, of

REFUSALS_RATE = "300/minute"
scheme = HTTPBearer(auto_error=False, description="An API key: `myco_<prefix>_<secret>`.")


async def admitted(
    predictor: Predictor, request: Request, presented: str, *any_of: Scope
) -> Caller:
    """The caller of a good key within its rate.

    Raises:
        Problem: 401, 403, 429 or 503.
    """
    if not predictor.keyring.knows(presented):  # before a look-up, which costs the database
        await predictor.rate.test(REFUSALS_RATE, "refused", address(request))
    try:
        caller = await predictor.keyring.caller(presented, *any_of)
    except Problem as problem:
        if problem.status == 401:
            await predictor.rate.check(REFUSALS_RATE, "refused", address(request))
        raise
    await predictor.rate.check(predictor.settings.predictor.key_rate, "key", caller.prefix)
    return caller


def address(request: Request) -> str:
    """The client's address, as the server or its trusted proxy tells it."""
    return request.client.host if request.client else "unknown"


async def _predicting(request: Request) -> Caller:
    key = bearer(request.headers.get("authorization"))
    return await admitted(of(request), request, key, Scope.PREDICT)


async def _labelling(request: Request) -> Caller:
    key = bearer(request.headers.get("authorization"))
    return await admitted(of(request), request, key, Scope.LABEL)


async def _reading(request: Request) -> Caller:
    key = bearer(request.headers.get("authorization"))
    return await admitted(of(request), request, key, Scope.READ, Scope.PREDICT)


Documented = Security(scheme)
Predicting = Annotated[Caller, Depends(_predicting)]
Labelling = Annotated[Caller, Depends(_labelling)]
Reading = Annotated[Caller, Depends(_reading)]
