"""Photos that are kept for galleries; an answer does not depend on them."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from factories.photo import make_photo
from factories.predictor import Running, Serve
from PIL import ExifTags, Image, ImageOps
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil.storage import Storage


@pytest.fixture
def keeping(serve: Serve, settings: Settings, production: Model) -> Running:
    options = settings.storage.model_copy(update={"keep_photos": True})
    return serve(settings.model_copy(update={"storage": options}))


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
        assert (image.size, len(image.getexif())) == ((48, 64), 0)


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
