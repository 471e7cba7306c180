"""The blocking client."""

import time
import uuid
from types import TracebackType
from typing import Self

import httpx

from mycovigil_client import call
from mycovigil_client.answer import Answer
from mycovigil_client.call import Call, Photos
from mycovigil_client.retry import Outcome, retries


class Client:
    """A blocking client: a context manager, safe to share between threads."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = call.authorization(api_key)
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    def predict(
        self,
        photos: Photos,
        *,
        session: str | None = None,
        app_version: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Classify one specimen from one photo or several (cap, gills, base).

        Args:
            session: groups the photos of one user's walk, which are not independent.
            app_version: of the calling app; it is logged with the prediction.
            idempotency_key: calls with the same key are one prediction; by default each call is
                one prediction, however often it is retried.

        Raises:
            PredictionRefused: a problem that retrying does not change, or too many attempts.
            httpx.TransportError: the predictor cannot be reached.
        """
        options = {"session": session, "app_version": app_version}
        request = call.predict(photos, **options, idempotency_key=idempotency_key)
        return Answer.model_validate_json(self._send(request))

    def look_up(self, prediction: uuid.UUID) -> Answer:
        """Return an earlier prediction. Raises as :meth:`predict`."""
        return Answer.model_validate_json(self._send(call.look_up(prediction)))

    def label(
        self,
        prediction: uuid.UUID,
        label: str,
        *,
        species: str | None = None,
        confidence: str = "certain",
    ) -> None:
        """Report what the mushroom of an earlier prediction was; a second report corrects it.

        Raises as :meth:`predict`, also where the key lacks the scope ``label``.
        """
        self._send(call.label(prediction, label, species=species, confidence=confidence))

    def _send(self, request: Call) -> bytes:
        policy = retries()
        pause = next(policy)
        while True:
            time.sleep(pause)
            try:
                pause = policy.send(self._attempt(request))
            except StopIteration as done:
                response: httpx.Response = done.value
                return response.content

    def _attempt(self, request: Call) -> Outcome:
        try:
            return self._http.request(request.method, request.path, **request.arguments)
        except httpx.TransportError as error:
            return error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()
