"""A typed client of the predictor, blocking and asyncio, that retries without doubling."""

import asyncio
import datetime
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import BaseModel, ConfigDict

RETRIED = frozenset({429, 502, 503, 504})
ATTEMPTS = 6
FIRST_PAUSE = 0.25
"""Seconds before the second attempt, doubled each time unless ``Retry-After`` says otherwise."""


class PredictionRefused(RuntimeError):
    """The predictor answered with a problem document; ``problem`` is its content."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = problem


class Reason(BaseModel):
    """Why the verdict is what it is; ``code`` is stable, ``text`` is for people."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    code: str
    text: str


class Answer(BaseModel):
    """A prediction, as ``POST /v1/predictions`` answers it. There is no "safe"."""

    model_config = ConfigDict(extra="allow", frozen=True)
    id: uuid.UUID
    label: str
    probabilities: dict[str, float]
    prediction_set: list[str]
    verdict: str
    reasons: list[Reason]
    certificate: dict[str, Any]
    distance_to_reference: float
    model: dict[str, Any]
    encoder: dict[str, Any]
    created_at: datetime.datetime


class _Request:
    """One upload and its retries: every attempt carries the same idempotency key."""

    def __init__(self, photo: bytes, headers: Mapping[str, str]) -> None:
        self.arguments: dict[str, Any] = {
            "content": photo,
            "headers": {
                "content-type": "application/octet-stream",
                "idempotency-key": str(uuid.uuid4()),
                **headers,
            },
        }
        self._attempt = 0

    def pause(self, response: httpx.Response | None) -> float | None:
        """Seconds to wait before the next attempt; none when it is time to give up."""
        if response is not None and response.status_code not in RETRIED:
            return None
        self._attempt += 1
        if self._attempt >= ATTEMPTS:
            return None
        stated = response.headers.get("retry-after") if response is not None else None
        return float(stated) if stated else FIRST_PAUSE * 2 ** (self._attempt - 1)


def _answer(response: httpx.Response) -> Answer:
    if response.is_success:
        return Answer.model_validate_json(response.content)
    try:
        problem = response.json()
    except ValueError:
        problem = {"title": response.reason_phrase, "detail": response.text[:200]}
    raise PredictionRefused(response.status_code, problem)


def _headers(session: str | None, app_version: str | None) -> dict[str, str]:
    given = {"x-client-session": session, "x-app-version": app_version}
    return {name: value for name, value in given.items() if value is not None}


def _bytes(photo: bytes | Path) -> bytes:
    return photo.read_bytes() if isinstance(photo, Path) else photo


class Client:
    """Blocking client; use it as a context manager, share it between threads."""

    def __init__(self, url: str, api_key: str, *, timeout: float = 60.0) -> None:
        authorization = {"authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(base_url=url, headers=authorization, timeout=timeout)

    def predict(
        self, photo: bytes | Path, *, session: str | None = None, app_version: str | None = None
    ) -> Answer:
        """Classify one photo; ``session`` groups photos of one specimen or one user's walk.

        Raises:
            PredictionRefused: a problem that retrying does not mend, or too many retries.
            httpx.TransportError: the predictor cannot be reached.
        """
        request = _Request(_bytes(photo), _headers(session, app_version))
        while True:
            response, error = self._attempt(request)
            pause = request.pause(response)
            if pause is None:
                if response is None and error is not None:
                    raise error
                assert response is not None
                return _answer(response)
            time.sleep(pause)

    def label(
        self, prediction: uuid.UUID, label: str, *, species: str | None, confidence: str
    ) -> None:
        """Tell the truth about an earlier prediction.

        Raises:
            PredictionRefused: unknown prediction, or the key lacks the scope ``label``.
        """
        body = {"label": label, "species": species, "confidence": confidence}
        response = self._http.put(f"/v1/predictions/{prediction}/label", json=body)
        if not response.is_success:
            _answer(response)

    def _attempt(
        self, request: _Request
    ) -> tuple[httpx.Response | None, httpx.TransportError | None]:
        try:
            return self._http.post("/v1/predictions", **request.arguments), None
        except httpx.TransportError as error:
            return None, error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()


class AsyncClient:
    """The same for asyncio."""

    def __init__(self, url: str, api_key: str, *, timeout: float = 60.0) -> None:
        authorization = {"authorization": f"Bearer {api_key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=authorization, timeout=timeout)

    async def predict(
        self, photo: bytes | Path, *, session: str | None = None, app_version: str | None = None
    ) -> Answer:
        """As :meth:`Client.predict`."""
        request = _Request(_bytes(photo), _headers(session, app_version))
        while True:
            response, error = await self._attempt(request)
            pause = request.pause(response)
            if pause is None:
                if response is None and error is not None:
                    raise error
                assert response is not None
                return _answer(response)
            await asyncio.sleep(pause)

    async def _attempt(
        self, request: _Request
    ) -> tuple[httpx.Response | None, httpx.TransportError | None]:
        try:
            return await self._http.post("/v1/predictions", **request.arguments), None
        except httpx.TransportError as error:
            return None, error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()
