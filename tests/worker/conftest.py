"""A worker's state on the test database, with nights of a day."""

from collections.abc import Iterator

import pytest

from mycovigil.settings import DriftSettings, Settings
from mycovigil_worker.state import State


@pytest.fixture
def state(settings: Settings, clean_database: str) -> Iterator[State]:
    """Sessions of it commit; the tables are emptied after the test."""
    daily = settings.model_copy(update={"drift": DriftSettings(grace_seconds=900, min_rows=50)})
    made = State.of(daily)
    yield made
    made.engine.dispose()
