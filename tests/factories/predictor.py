"""Predictors on a real server thread, and a desk from which tests arrange the database."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from factories import server
from factories.key import make_key
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.access import Scope
from mycovigil.db.model import Model
from mycovigil.models import promotion, registry
from mycovigil.models.bundle import Bundle
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil.vision.encoder.identity import EncoderIdentity
from mycovigil_predictor.__main__ import server_of


@dataclass(frozen=True)
class Desk:
    """Commits what a test arranges, as other processes do."""

    engine: Engine
    storage: Storage

    def promote(self, bundle: Bundle, folder: Path, *, stored: bytes | None = None) -> Model:
        """Register and make production, with a gate that passed; ``stored`` replaces the bytes of
        the bundle before anybody may read them."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            encoder_id = registry.register_encoder(session, EncoderIdentity.read(folder), folder)
            model = registry.register_model(
                session, self.storage, bundle, encoder_id=encoder_id, parent_id=None
            )
            current = registry.production(session)
            if current is not None:
                gate = {"against": str(current.model.id), "passed": True, "reason": "test"}
                model.metrics = model.metrics | {"gate": gate}
            if stored is not None:
                self.storage.write(f"models/{bundle.meta.version}/bundle.safetensors", stored)
            promotion.promote(session, model.id, decided_by="test")
            return model

    def key(self, *scopes: Scope, name: str = "tester") -> str:
        with Session(self.engine) as session, session.begin():
            return make_key(session, *scopes, name=name)


@dataclass(frozen=True)
class Running:
    """A serving predictor and a client with an all-scopes key."""

    url: str
    http: httpx.Client
    key: str

    def predict(self, photo: bytes, **headers: str) -> httpx.Response:
        content = {"content-type": "image/jpeg"} | headers
        return self.http.post("/v1/predictions", content=photo, headers=content)


Serve = Callable[[Settings], Running]


def served(settings: Settings) -> tuple[str, Callable[[], None]]:
    """Start a predictor; its address, and what stops it as SIGTERM does."""
    return server.served(server_of(settings))
