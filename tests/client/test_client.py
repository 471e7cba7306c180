"""Both clients retry by one policy: the same key, Retry-After heeded, and an end."""

import asyncio
import datetime
import email.utils
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mycovigil_client import Advice, Answer, AsyncClient, Client, PredictionRefused
from mycovigil_client.retry import ATTEMPTS, LONGEST_PAUSE

DOCUMENT = {
    "id": "019ab1c2-6f00-7d3e-9a55-0c8b1f2e3d4c",
    "label": "edible",
    "probabilities": {"edible": 0.7, "conditionally_edible": 0.1, "poisonous": 0.1, "deadly": 0.1},
    "prediction_set": ["edible", "deadly"],
    "verdict": "avoid",
    "reasons": [{"code": "deadly_possible", "text": "It may be deadly."}],
    "certificate": {"state": "not_certifiable", "bound": None, "statement": "Too few photos."},
    "distance_to_reference": 0.3,
    "might_be_confused_with": [],
    "model": {"id": "019ab1c2-0000-7000-8000-000000000000", "version": "1"},
    "encoder": {"name": "mini", "precision": "int8"},
    "created_at": "2026-11-22T18:00:00Z",
    "photos": 1,
    "a_later_field": 1,
}
GOOD = httpx.Response(200, json=DOCUMENT)


class Server:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: Iterator[httpx.Response | httpx.TransportError] = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, httpx.TransportError):
            raise answer
        told = {name: value for name, value in answer.headers.items() if "content" not in name}
        return httpx.Response(answer.status_code, headers=told, content=answer.content)

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.asked]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clients would sleep; they do not."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("mycovigil_client.blocking.time.sleep", slept.append)
    monkeypatch.setattr("mycovigil_client.asynchronous.asyncio.sleep", sleep)
    return slept


def blocking(server: Server, method: str, *arguments: Any, **options: Any) -> Any:
    with Client("http://test", "myco_a_b", transport=httpx.MockTransport(server)) as client:
        return getattr(client, method)(*arguments, **options)


def asynchronous(server: Server, method: str, *arguments: Any, **options: Any) -> Any:
    async def run() -> Any:
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://test", "myco_a_b", transport=transport) as client:
            return await getattr(client, method)(*arguments, **options)

    return asyncio.run(run())


Calling = Callable[..., Any]
both = pytest.mark.parametrize("calling", [blocking, asynchronous])


@both
def test_a_busy_server_is_asked_again_when_it_says_with_the_same_key(
    calling: Calling, pauses: list[float]
) -> None:
    later = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=30)
    dated = {"retry-after": email.utils.format_datetime(later, usegmt=True)}
    server = Server(
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.ConnectError("away"),
        httpx.Response(503, headers=dated),
        httpx.Response(503, headers={"retry-after": "86400"}),
        httpx.Response(502),
        GOOD,
    )

    answer = calling(server, "predict", b"photo", session="walk")

    assert isinstance(answer, Answer)
    assert (answer.verdict, answer.label) == (Advice.AVOID, "edible")
    assert len(set(server.keys)) == 1
    assert uuid.UUID(server.keys[0])
    assert {request.content for request in server.asked} == {b"photo"}
    first, stated, unstated, until, capped, doubled = pauses
    assert (first, stated, capped) == (0.0, 7.0, LONGEST_PAUSE)
    assert 0.5 <= unstated <= 0.75
    assert 20 < until <= 30
    assert 4.0 <= doubled <= 6.0


@both
def test_two_calls_are_two_predictions_unless_the_caller_says_so(
    calling: Calling, pauses: list[float]
) -> None:
    server = Server(GOOD, GOOD, GOOD)
    for key in (None, None, "mine"):
        calling(server, "predict", b"photo", idempotency_key=key)
    assert len(set(server.keys)) == 3
    assert server.keys[-1] == "mine"


@both
def test_what_retrying_does_not_mend_is_raised_at_once(
    calling: Calling, pauses: list[float]
) -> None:
    problem = {"title": "Not a readable photo", "detail": "It is a text.", "status": 422}
    for answer in (httpx.Response(422, json=problem), httpx.Response(422, text="no JSON")):
        server = Server(answer)
        with pytest.raises(PredictionRefused, match="422") as refused:
            calling(server, "predict", b"photo")
        assert refused.value.status == 422
        assert len(server.asked) == 1


@both
def test_it_gives_up(calling: Calling, pauses: list[float]) -> None:
    server = Server(*[httpx.Response(503)] * ATTEMPTS)
    with pytest.raises(PredictionRefused, match="503"):
        calling(server, "predict", b"photo")
    assert len(server.asked) == ATTEMPTS
    with pytest.raises(httpx.ConnectError):
        calling(Server(*[httpx.ConnectError("away")] * ATTEMPTS), "predict", b"photo")


@both
def test_labels_look_ups_and_several_photos(
    calling: Calling, pauses: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "gills.jpg"
    path.write_bytes(b"gills")
    identifier = uuid.UUID(DOCUMENT["id"])  # type: ignore[arg-type]
    server = Server(GOOD, GOOD, httpx.Response(503), httpx.Response(200, json={}))

    calling(server, "predict", [b"cap", path])
    assert calling(server, "look_up", identifier).id == identifier
    calling(server, "label", identifier, "deadly", species="Amanita phalloides")

    pooled, looked_up, first, again = server.asked
    assert pooled.headers["content-type"].startswith("multipart/form-data")
    assert b"cap" in pooled.content
    assert b"gills" in pooled.content
    assert looked_up.url.path == f"/v1/predictions/{identifier}"
    assert first.method == again.method == "PUT"
    assert b"Amanita phalloides" in again.content
    assert first.headers["authorization"] == "Bearer myco_a_b"
