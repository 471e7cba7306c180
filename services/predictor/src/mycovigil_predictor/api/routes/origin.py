"""Where a request comes from: its headers, checked."""

import asyncio
import time
from typing import Annotated

from fastapi import Header, Request
from pydantic import BaseModel, ConfigDict, Field

from mycovigil_predictor.classify import Origin
from mycovigil_web.keys import Caller


class PredictionHeaders(BaseModel):
    """Optional headers of a prediction."""

    model_config = ConfigDict(extra="ignore")

    idempotency_key: str | None = Field(
        None, min_length=1, max_length=255, description="Makes a retried upload one prediction."
    )
    x_client_session: str | None = Field(
        None, max_length=200, description="Photos of one walk or user: dependent rows."
    )
    x_app_version: str | None = Field(None, max_length=100)
    x_deadline_seconds: float | None = Field(
        None, gt=0, le=3_600, description="After this time the answer is of no use any more."
    )


Headers = Annotated[PredictionHeaders, Header()]


def origin_of(
    request: Request, headers: PredictionHeaders, caller: Caller, *, most_seconds: float
) -> Origin:
    """The origin of a request that starts now."""
    seconds = min(headers.x_deadline_seconds or most_seconds, most_seconds)
    return Origin(
        request_id=request.scope["request_id"],
        trace_id=request.scope["trace_id"],
        client=caller.name,
        key_prefix=caller.prefix,
        group_key=group_of(caller.prefix, headers.x_client_session),
        app_version=headers.x_app_version,
        idempotency_key=headers.idempotency_key,
        started=time.perf_counter(),
        deadline=asyncio.get_running_loop().time() + seconds,
    )


def group_of(key_prefix: str | None, session: str | None) -> str | None:
    """The session of one key: two apps that count theirs from 1 share no specimens."""
    return f"{key_prefix or ''}/{session}" if session else None
