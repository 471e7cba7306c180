"""Photos that are kept for galleries; an answer does not depend on them."""

import asyncio
import io
import itertools
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from factories.outage import DEADLINE
from factories.photo import make_photo
from factories.predictor import Running, Serve
from PIL import ExifTags, Image, ImageOps
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil import cloud_access
from mycovigil.cloud_access import Need
from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_predictor.log import photo_store
from mycovigil_predictor.log.photo_store import PhotoStore
from mycovigil_predictor.metrics import Metrics


@pytest.fixture
def keeping(serve: Serve, settings: Settings, production: Model) -> Running:
    options = settings.storage.model_copy(update={"keep_photos": True})
    return serve(settings.model_copy(update={"storage": options}))


@pytest.mark.parametrize("keep", [True, False])
def test_who_keeps_photos_asks_at_its_start_whether_it_may_write_them(
    serve: Serve,
    settings: Settings,
    production: Model,
    monkeypatch: pytest.MonkeyPatch,
    keep: bool,
) -> None:
    asked: list[tuple[Need, ...]] = []
    monkeypatch.setattr(cloud_access, "report", lambda _, *needs, service: asked.append(needs))
    options = settings.storage.model_copy(update={"keep_photos": keep})
    serve(settings.model_copy(update={"storage": options}))
    assert asked == [(Need.READ, Need.WRITE_PHOTOS) if keep else (Need.READ,)]


def test_one_photo_many_times_at_once(keeping: Running, storage: Storage, engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: keeping.predict(make_photo()), range(24)))
    assert {answer.status_code for answer in answers} == {200}
    with Session(engine) as session:
        kept = set(session.scalars(select(Prediction.image_key)))
    assert storage.keys("photos") == list(kept)


def test_exif_that_pillow_cannot_write_costs_no_answer(keeping: Running, storage: Storage) -> None:
    """Some phones write tags of other types than the standard says."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "Phone"
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "brown").save(stream, "JPEG", exif=exif)
    odd = stream.getvalue().replace(b"\x01\x10\x00\x02", b"\x02\x13\x00\x02")  # a word, no number
    with Image.open(io.BytesIO(odd)) as image, pytest.raises(struct.error):
        ImageOps.exif_transpose(image)
    answer = keeping.predict(odd)
    assert answer.status_code == 200, answer.text
    page = keeping.http.post("/", files={"file": odd}, data={"key": keeping.key})
    assert page.status_code == 200
    (kept,) = storage.keys("photos")
    with Image.open(io.BytesIO(storage.read(kept))) as image:
        assert dict(image.getexif()) == {ExifTags.Base.Orientation: 6}  # and no model
        assert ImageOps.exif_transpose(image).size == (48, 64)


def test_without_the_storage_the_answer_is_given_and_a_metric_counts(
    keeping: Running, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    def full(*_args: object, **_named: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(Storage, "write", full)
    assert keeping.predict(make_photo()).status_code == 200
    with Session(engine) as session:
        assert session.scalars(select(Prediction.image_key)).all() == [None]
    assert "unkept_photos_total 1.0" in keeping.http.get("/metrics").text


def test_a_storage_that_hangs_holds_neither_look_ups_nor_labels_and_is_left_alone(
    keeping: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More requests hang in it than the default executor has threads."""
    goes_on, calls = threading.Event(), itertools.count()

    def hang(_self: Storage, key: str, *_: object, **__: object) -> str:
        next(calls)
        goes_on.wait(DEADLINE)
        return key

    monkeypatch.setattr(photo_store, "PHOTO_SECONDS", 0.5)
    monkeypatch.setattr(Storage, "write", hang)
    earlier = keeping.predict(make_photo()).json()["id"]
    try:
        with ThreadPoolExecutor(40) as pool:
            answers = [pool.submit(keeping.predict, make_photo(seed=n)) for n in range(40)]
            assert keeping.http.get(f"/v1/predictions/{earlier}").status_code == 200
            label = {"label": "deadly", "confidence": "certain"}
            labelled = keeping.http.put(f"/v1/predictions/{earlier}/label", json=label)
            assert labelled.status_code == 200
            assert {answer.result().status_code for answer in answers} == {200}
        assert "photo_storage_paused 1.0" in keeping.http.get("/metrics").text
        before = next(calls)
        assert keeping.predict(make_photo(seed=99)).status_code == 200
        assert next(calls) == before + 1
    finally:
        goes_on.set()


def test_after_the_pause_photos_are_kept_again(storage: Storage) -> None:
    moment = [0.0]
    store = PhotoStore(storage, Metrics(), clock=lambda: moment[0])
    real, store._storage = storage, cast("Storage", None)  # every write fails

    async def keys(number: int) -> list[str | None]:
        return [await store.store(f"{n:064x}", bytes([n])) for n in range(number)]

    assert asyncio.run(keys(3)) == [None] * 3
    store._storage = real
    assert asyncio.run(keys(1)) == [None]
    moment[0] += photo_store.PAUSE_SECONDS
    assert None not in asyncio.run(keys(2))
    store.close()
