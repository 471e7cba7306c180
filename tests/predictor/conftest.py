"""A predictor on a real server thread, with a promoted model on a tiny encoder."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.key import make_key
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil import promotion, registry
from mycovigil.access import Scope
from mycovigil.bundle import Bundle
from mycovigil.db.model import Model, ModelStatus
from mycovigil.encoder.identity import EncoderIdentity
from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_predictor.__main__ import server_of


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny")


@dataclass(frozen=True)
class Desk:
    """Commits what a test arranges, as other processes do."""

    engine: Engine
    storage: Storage

    def promote(self, bundle: Bundle, folder: Path) -> Model:
        """Register and make production, past the gate."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            encoder_id = registry.register_encoder(session, EncoderIdentity.read(folder), folder)
            model = registry.register_model(
                session, self.storage, bundle, encoder_id=encoder_id, parent_id=None
            )
            current = registry.production(session)
            if current is not None:
                current.model.status = ModelStatus.ARCHIVED
                session.flush()
            promotion.promote(session, model.id, decided_by="test")
            return model

    def key(self, *scopes: Scope, name: str = "tester") -> str:
        with Session(self.engine) as session, session.begin():
            return make_key(session, *scopes, name=name)


@pytest.fixture
def desk(engine: Engine, clean_database: str, settings: Settings) -> Desk:
    return Desk(engine, Storage(settings.storage))


@pytest.fixture
def production(desk: Desk, tiny: Path) -> Model:
    return desk.promote(make_bundle(tiny), tiny)


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


@pytest.fixture
def serve(desk: Desk) -> Iterator[Serve]:
    """Start predictors; they are stopped, gracefully, when the test ends."""
    stops: list[Callable[[], None]] = []

    def start(settings: Settings) -> Running:
        url, stop = _served(settings)
        key = desk.key()
        http = httpx.Client(
            base_url=url, timeout=30, headers={"authorization": f"Bearer {key}"}, trust_env=False
        )
        stops.extend([stop, http.close])
        return Running(url, http, key)

    yield start
    for stop in reversed(stops):
        stop()


@pytest.fixture
def predictor(serve: Serve, settings: Settings, production: Model) -> Running:
    return serve(settings)


def _served(settings: Settings) -> tuple[str, Callable[[], None]]:
    server = server_of(settings)
    socket = server.config.bind_socket()
    started = threading.Event()

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        started.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(20)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)

    host, port = socket.getsockname()
    return f"http://{host}:{port}", stop
