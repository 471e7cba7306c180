"""Both services as applications and as servers, on real Postgres and Redis."""

from collections.abc import Callable, Iterator

import pytest
from factories.server import served
from fastapi import FastAPI

from mycovigil.settings import Settings
from mycovigil_drift import __main__ as drift
from mycovigil_drift.app import create_app as create_drift
from mycovigil_predictor import __main__ as predictor
from mycovigil_predictor.app import create_app as create_predictor

SERVERS = {"predictor": predictor.server_of, "drift": drift.server_of}
APPS = {"predictor": create_predictor, "drift": create_drift}


@pytest.fixture(params=APPS)
def service(request: pytest.FixtureRequest) -> str:
    """The name of each service in turn."""
    return str(request.param)


@pytest.fixture
def app(service: str, settings: Settings, clean_database: str) -> FastAPI:
    return APPS[service](settings)


@pytest.fixture
def serve(clean_database: str) -> Iterator[Callable[[str, Settings], str]]:
    """Start services by name; they are stopped, gracefully, when the test ends."""
    stops: list[Callable[[], None]] = []

    def start(name: str, settings: Settings) -> str:
        url, stop = served(SERVERS[name](settings))
        stops.append(stop)
        return url

    yield start
    for stop in reversed(stops):
        stop()
