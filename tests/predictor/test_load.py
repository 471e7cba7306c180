"""More than fits: 429 before the body is read, 503 past the deadline, hang-ups free places."""

import io
import threading
from collections.abc import Iterator

import httpx
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Running, Serve
from PIL import Image, ImageOps
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil.storage import Storage


def inside(running: Running) -> float:
    (line,) = (
        line
        for line in running.http.get("/metrics").text.splitlines()
        if line.startswith("mycovigil_predictor_requests_inside ")
    )
    return float(line.split()[1])


def test_a_full_house_is_429_and_a_hang_up_frees_its_place(
    serve: Serve, settings: Settings, production: Model
) -> None:
    options = settings.predictor.model_copy(update={"queue_size": 1})
    running = serve(settings.model_copy(update={"predictor": options}))
    hold = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"\xff\xd8"
        hold.wait(60)

    def dawdle() -> None:
        headers = {"authorization": f"Bearer {running.key}", "content-type": "image/jpeg"}
        with httpx.Client(base_url=running.url, trust_env=False, headers=headers) as http:
            http.post("/v1/predictions", content=slowly())

    dawdler = threading.Thread(target=dawdle)
    dawdler.start()
    until(lambda: inside(running) == 1)

    refused = running.predict(make_photo())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1

    hold.set()
    dawdler.join()
    until(lambda: inside(running) == 0)
    assert running.predict(make_photo()).status_code == 200


def test_past_its_deadline_a_photo_is_not_computed(predictor: Running, engine: Engine) -> None:
    late = predictor.predict(make_photo(3_000, 2_000), **{"x-deadline-seconds": "0.0001"})
    assert late.status_code == 503
    assert late.json()["type"].endswith("deadline-passed")
    with Session(engine) as session:
        assert session.scalars(select(Prediction)).all() == []


def test_kept_photos_carry_no_metadata(
    serve: Serve, settings: Settings, production: Model, engine: Engine
) -> None:
    keeping = settings.storage.model_copy(update={"keep_photos": True})
    running = serve(settings.model_copy(update={"storage": keeping}))
    exif = Image.Exif()
    exif[0x010F] = "A camera with an owner"
    exif[0x0112] = 6
    photo = make_photo(2_000, 1_000, exif=exif.tobytes())

    running.predict(photo)

    with Session(engine) as session:
        key = session.scalars(select(Prediction.image_key)).one()
    assert key is not None
    kept = Storage(settings.storage).read(key)
    assert b"owner" in photo
    assert b"owner" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert ImageOps.exif_transpose(image).size == (1_000, 2_000)
        assert dict(image.getexif()) == {0x0112: 6}


def test_metrics_tell_of_rates_batches_and_abstentions(predictor: Running) -> None:
    predictor.predict(make_photo())
    predictor.predict(b"nonsense")
    text = predictor.http.get("/metrics").text
    route = 'method="POST",route="/v1/predictions"'
    assert f'requests_total{{{route},status="200"}} 1.0' in text
    assert f'requests_total{{{route},status="422"}} 1.0' in text
    assert "mycovigil_predictor_batch_size_count 1.0" in text
    assert "mycovigil_predictor_reasons_total{code=" in text
    assert 'predictions_total{logged="database"' in text
