"""A predictor with a promoted model on a tiny encoder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder
from factories.predictor import Desk, Running, Serve, served
from sqlalchemy import Engine

from mycovigil.db.model import Model
from mycovigil.settings import Settings
from mycovigil.storage import Storage


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder_folder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def desk(engine: Engine, clean_database: str, settings: Settings) -> Desk:
    return Desk(engine, Storage(settings.storage))


@pytest.fixture
def production(desk: Desk, tiny: Path) -> Model:
    return desk.promote(make_bundle(tiny), tiny)


@pytest.fixture
def serve(desk: Desk) -> Iterator[Serve]:
    """Start predictors, each with a spool of its own; they are stopped, gracefully, when the test
    ends."""
    stops: list[Callable[[], None]] = []

    def start(settings: Settings) -> Running:
        if stops:
            options = settings.predictor
            spool = options.spool_path.with_name(f"{len(stops)}-{options.spool_path.name}")
            own = options.model_copy(update={"spool_path": spool})
            settings = settings.model_copy(update={"predictor": own})
        url, stop = served(settings)
        key = desk.key()
        http = httpx.Client(
            base_url=url,
            timeout=30,
            headers={"authorization": f"Bearer {key}"},
            trust_env=False,
            verify=False,  # it is HTTP: the authorities need not be loaded, 17 ms
        )
        stops.extend([stop, http.close])
        return Running(url, http, key)

    yield start
    for stop in reversed(stops):
        stop()


@pytest.fixture
def predictor(serve: Serve, settings: Settings, production: Model) -> Running:
    return serve(settings)
