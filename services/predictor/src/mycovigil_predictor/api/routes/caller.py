"""Dependencies that let a request in: key, scope, rate."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from mycovigil.access import Scope
from mycovigil_predictor.state import Predictor, of
from mycovigil_web import callers
from mycovigil_web.keys import Caller

scheme = HTTPBearer(auto_error=False, description="An API key: `myco_<prefix>_<secret>`.")


async def admitted(
    predictor: Predictor, request: Request, presented: str, *any_of: Scope
) -> Caller:
    """The caller of a good key within its rate.

    Raises:
        Problem: 401, 403, 429 or 503.
    """
    return await callers.admit(
        request,
        presented,
        *any_of,
        keys=predictor.keys,
        rate=predictor.rate,
        key_rate=predictor.settings.predictor.key_rate,
    )


async def _with_scope(request: Request, *any_of: Scope) -> Caller:
    presented = callers.bearer(request.headers.get("authorization"))
    if presented is None:
        raise callers.no_key()
    return await admitted(of(request), request, presented, *any_of)


async def _predicting(request: Request) -> Caller:
    return await _with_scope(request, Scope.PREDICT)


async def _labelling(request: Request) -> Caller:
    return await _with_scope(request, Scope.LABEL)


async def _reading(request: Request) -> Caller:
    return await _with_scope(request, Scope.READ, Scope.PREDICT)


Documented = Security(scheme)
Predicting = Annotated[Caller, Depends(_predicting)]
Labelling = Annotated[Caller, Depends(_labelling)]
Reading = Annotated[Caller, Depends(_reading)]
