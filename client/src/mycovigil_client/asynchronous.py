"""The same client for asyncio."""

import asyncio
import uuid
from typing import Any, Self

import httpx

from mycovigil_client import call
from mycovigil_client.answer import Answer
from mycovigil_client.call import Call, Photos
from mycovigil_client.retry import Outcome, retries


class AsyncClient:
    """As :class:`mycovigil_client.Client`, which documents the methods."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers=call.authorization(api_key),
            timeout=timeout,
            transport=transport,
        )

    async def predict(
        self,
        photos: Photos,
        *,
        session: str | None = None,
        app_version: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        request = call.predict(
            photos, session=session, app_version=app_version, idempotency_key=idempotency_key
        )
        return Answer.model_validate_json(await self._send(request))

    async def look_up(self, prediction: uuid.UUID) -> Answer:
        return Answer.model_validate_json(await self._send(call.look_up(prediction)))

    async def label(
        self,
        prediction: uuid.UUID,
        label: str,
        *,
        species: str | None = None,
        confidence: str = "certain",
    ) -> None:
        await self._send(call.label(prediction, label, species=species, confidence=confidence))

    async def _send(self, request: Call) -> bytes:
        policy = retries()
        pause = next(policy)
        while True:
            await asyncio.sleep(pause)
            try:
                pause = policy.send(await self._attempt(request))
            except StopIteration as done:
                response: httpx.Response = done.value
                return response.content

    async def _attempt(self, request: Call) -> Outcome:
        try:
            return await self._http.request(request.method, request.path, **request.arguments)
        except httpx.TransportError as error:
            return error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: Any) -> None:
        await self._http.aclose()
