"""Servers beside the predictor freeze or fill up while photos come: every one is answered."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from factories.outage import DEADLINE
from factories.photo import make_photo
from factories.predictor import Serve
from factories.valkey_server import valkey
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.settings import RedisSettings, Settings
from mycovigil.storage import Storage
from mycovigil_predictor.log import photo_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("production"),
]
Tell = Callable[..., None]


def rows(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Prediction)) or 0


@pytest.mark.parametrize("trouble", ["frozen", "full"])
def test_redis_freezes_or_is_full_while_photos_come(
    serve: Serve,
    settings: Settings,
    engine: Engine,
    tmp_path: Path,
    tell: Tell,
    trouble: str,
) -> None:
    options = ("--maxmemory", "1500kb", "--maxmemory-policy", "noeviction")
    with valkey(tmp_path / "valkey", *(options if trouble == "full" else ())) as (url, server):
        running = serve(settings.model_copy(update={"redis": RedisSettings(url=url)}))
        before = [running.predict(make_photo(seed=n)).status_code for n in range(5)]
        if trouble == "frozen":
            server.suspend()
        else:
            _fill(url)
        start, slowest = time.monotonic(), 0.0
        during: list[int] = []
        while time.monotonic() - start < 10:
            began = time.monotonic()
            during.append(running.predict(make_photo(seed=len(during))).status_code)
            slowest = max(slowest, time.monotonic() - began)
        server.resume()
        after = [running.predict(make_photo(seed=n)).status_code for n in range(5)]
    answered = before + during + after
    tell(
        f"Redis {trouble} for 10 s",
        answered=Counter(answered)[200],
        refused=len(answered) - Counter(answered)[200],
        slowest_seconds=round(slowest, 2),
        rows=rows(engine),
    )
    assert set(answered) == {200}
    assert rows(engine) == len(answered)
    assert slowest < 5


def _fill(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for number in range(100_000):
            try:
                client.set(f"filler {number}", b"x" * 1_000)
            except redis.ResponseError as error:
                assert "maxmemory" in str(error)  # noqa: PT017 - only this one ends the filling
                return


def test_storage_freezes_while_photos_are_kept(
    serve: Serve,
    settings: Settings,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    tell: Tell,
) -> None:
    storage = settings.storage.model_copy(update={"keep_photos": True})
    running = serve(settings.model_copy(update={"storage": storage}))
    goes_on = threading.Event()

    def frozen(_self: Storage, key: str, *_: object, **__: object) -> str:
        goes_on.wait(DEADLINE)
        return key

    monkeypatch.setattr(photo_store, "PHOTO_SECONDS", 1.0)
    monkeypatch.setattr(Storage, "write", frozen)
    try:
        start = time.monotonic()
        answers = [running.predict(make_photo(seed=n)).status_code for n in range(40)]
        seconds = time.monotonic() - start
    finally:
        goes_on.set()
    tell(
        "storage frozen",
        answered=Counter(answers)[200],
        rows=rows(engine),
        seconds=round(seconds, 1),
    )
    assert set(answers) == {200}
    assert rows(engine) == len(answers)
    assert seconds < 20  # three photos wait, the others do not
