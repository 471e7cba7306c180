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
    """Use it as a context manager; share it between threads."""

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
            session: groups photos of one user's walk, which are not independent.
            idempotency_key: makes repeated calls one prediction; by default, each call is one,
                whatever its retries.

        Raises:
            PredictionRefused: a problem that retrying does not mend, or too many retries.
            httpx.TransportError: the predictor cannot be reached.
        """
        options = {"session": session, "app_version": app_version}
        made = call.predict(photos, **options, idempotency_key=idempotency_key)
        return Answer.model_validate_json(self._send(made))

    def look_up(self, prediction: uuid.UUID) -> Answer:
        """An earlier prediction. Raises as :meth:`predict`."""
        return Answer.model_validate_json(self._send(call.look_up(prediction)))

    def label(
        self,
        prediction: uuid.UUID,
        label: str,
        *,
        species: str | None = None,
        confidence: str = "certain",
    ) -> None:
        """Tell the truth about an earlier prediction; again corrects it. Raises as
        :meth:`predict`, also where the key lacks the scope ``label``."""
        self._send(call.label(prediction, label, species=species, confidence=confidence))

    def _send(self, made: Call) -> bytes:
        policy = retries()
        pause = next(policy)
        while True:
            time.sleep(pause)
            try:
                pause = policy.send(self._attempt(made))
            except StopIteration as done:
                response: httpx.Response = done.value
                return response.content

    def _attempt(self, made: Call) -> Outcome:
        try:
            return self._http.request(made.method, made.path, **made.arguments)
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
