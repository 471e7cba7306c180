"""Several photos of one answer are logged as rows of their own; the answer stays one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from factories.outage import Database, Server, until
from factories.photo import make_photo
from factories.predictor import Running
from factories.row import make_row
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.db.idempotency import IdempotencyKey
from mycovigil.db.prediction import Label, Prediction
from mycovigil.references.photo_row import PhotoRow
from mycovigil.vision.image.covariates import NAMES
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool

SEEDS = (1, 2, 3)


@pytest.fixture
def database(server_connection: Server, postgres_url: str) -> Iterator[Database]:
    found = Database(server_connection, str(make_url(postgres_url).database))
    yield found
    found.give_back()


def send(predictor: Running, key: str | None = None) -> httpx.Response:
    """Three photos of one specimen, without a session."""
    files = [("files", (f"{i}.jpg", make_photo(seed=i), "image/jpeg")) for i in SEEDS]
    headers = {"idempotency-key": key} if key else {}
    return predictor.http.post("/v1/predictions", files=files, headers=headers)


def rows(engine: Engine) -> Sequence[Prediction]:
    with Session(engine) as session:
        return session.scalars(select(Prediction).order_by(Prediction.id)).all()


def documents(row: Prediction) -> list[PhotoRow]:
    assert row.photo_rows is not None
    return [PhotoRow.of(document) for document in row.photo_rows]


def test_each_photo_is_logged_as_if_it_came_alone(predictor: Running, engine: Engine) -> None:
    answer = send(predictor)
    for seed in SEEDS:
        predictor.predict(make_photo(seed=seed))

    together, *alone = rows(engine)
    assert str(together.id) == answer.json()["id"]
    assert together.photos == 3
    for photo, single in zip(documents(together), alone, strict=True):
        assert single.photo_rows is None
        assert photo.features == pytest.approx(np.asarray(single.features), abs=2e-3)
        assert photo.probabilities == pytest.approx(single.probabilities, abs=1e-6)
        assert photo.distance == pytest.approx(single.distance, abs=1e-6)
        assert (photo.label, photo.image_sha256) == (single.label, single.image_sha256)
        assert photo.fingerprint == single.fingerprint
        for name in NAMES:
            assert photo.covariates[name] == pytest.approx(getattr(single, name), rel=1e-6)
    assert together.fingerprint == alone[0].fingerprint


def test_an_outage_loses_no_photo_and_a_retry_adds_none(
    predictor: Running, engine: Engine, database: Database
) -> None:
    predictor.predict(make_photo(seed=9))
    database.take_away()
    first, again = send(predictor, "walk-1"), send(predictor, "walk-1")
    assert first.json()["logged"] == "spool"
    assert again.json()["id"] == first.json()["id"]
    url = f"/v1/predictions/{first.json()['id']}"
    assert predictor.http.get(url).json() == first.json()
    database.give_back()

    until(lambda: predictor.http.get("/readyz").json()["spool_rows"] == 0)
    assert send(predictor, "walk-1").json()["id"] == first.json()["id"]
    drained = rows(engine)[1]
    assert [photo.label for photo in documents(drained)]
    assert len(rows(engine)) == 2
    label = {"label": "deadly", "species": "Amanita phalloides", "confidence": "certain"}
    assert predictor.http.put(f"{url}/label", json=label).status_code == 200
    with Session(engine) as session:
        assert session.scalars(select(Label.prediction_id)).all() == [drained.id]
        assert session.scalars(select(IdempotencyKey.prediction_id)).all() == [drained.id]


def test_a_spool_of_before_is_read(tmp_path: Path) -> None:
    """An upgrade with rows in the spool."""
    kept = make_row(claim=Claim("client", "key", "fingerprint"))
    body = json.loads(kept.to_json())
    for name in ("photo_rows", "fingerprint"):
        assert body.pop(name) is None
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    spool.put([kept])
    spool._database.execute("UPDATE rows SET body = ?", (json.dumps(body).encode(),))

    (found,) = spool.oldest(10)
    assert (spool.depth, spool.aside) == (1, 0)
    assert found.to_json() == kept.to_json()
    assert spool.claimed("client", "key") is not None
    spool.close()


def test_a_row_with_its_photos_survives_the_spool(tmp_path: Path) -> None:
    photo = PhotoRow(
        features=np.array([0.25, -0.5], np.float32),
        probabilities=[0.1, 0.2, 0.3, float("nan")],
        label="deadly",
        distance=float("inf"),
        image_sha256="a",
        covariates={"brightness": 0.5, "jpeg_quality": None},
        fingerprint=b"\x00\xff" * 28,
    )
    row = replace(make_row(), photos=2, photo_rows=[photo.document()] * 2, fingerprint=b"\x01\xfe")
    found = Row.from_json(row.to_json())
    assert (found.photo_rows, found.fingerprint) == (row.photo_rows, b"\x01\xfe")
    assert found.photo_rows is not None
    read = PhotoRow.of(found.photo_rows[1])
    assert (read.features.tolist(), read.fingerprint) == ([0.25, -0.5], photo.fingerprint)
    figures = [*read.probabilities, read.distance]
    assert figures == pytest.approx([0.1, 0.2, 0.3, np.nan, np.nan], nan_ok=True)
