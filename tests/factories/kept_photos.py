"""Answers of the log whose photos are kept, and an encoder that has not seen them."""

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path

from factories.encoder import tiny_encoder_folder
from factories.night import Served, make_night, night_of
from factories.photo import make_photo
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.prediction import Prediction
from mycovigil.models import registry
from mycovigil.references.window import Window
from mycovigil.storage import Storage, photo_key
from mycovigil.vision.encoder.identity import EncoderIdentity

PHOTOS = [make_photo(48, 40, seed=seed) for seed in range(12)]


@dataclass(frozen=True)
class KeptDay:
    """A day of the log, and the keys of its photos in order of its answers."""

    day: datetime.date
    window: Window
    keys: list[str]


def make_new_encoder(session: Session, folder: Path, *, seed: int = 11) -> Encoder:
    """A registered encoder on disk."""
    path = tiny_encoder_folder(folder, size=32, dimension=24, seed=seed, name=f"tiny-{seed}")
    found = registry.register_encoder(session, EncoderIdentity.read(path), path)
    return session.get_one(Encoder, found)


def make_kept_day(
    session: Session, storage: Storage, served: Served, number: int, *, rows: int = 30
) -> KeptDay:
    """A night of answers, each with a kept photo of its own."""
    window = night_of(number)
    make_night(session, served, window, rows=rows)
    ids = session.scalars(
        select(Prediction.id)
        .where(Prediction.created_at >= window.start, Prediction.created_at < window.end)
        .order_by(Prediction.id)
    ).all()
    keys = []
    for place, identifier in enumerate(ids):
        key = photo_key(hashlib.sha256(identifier.bytes).hexdigest())
        storage.write(key, PHOTOS[place % len(PHOTOS)])
        keys.append(key)
        session.execute(update(Prediction).where(Prediction.id == identifier).values(image_key=key))
    return KeptDay(window.start.date(), window, keys)
