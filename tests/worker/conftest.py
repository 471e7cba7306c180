"""A worker's state on the test database, with nights of a day."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from mycovigil.postgres.engine import engine_of, sessions_of
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings
from mycovigil.storage import Storage
from mycovigil_worker.report import evidently_report
from mycovigil_worker.report.evidently_report import Stored
from mycovigil_worker.state import State


@pytest.fixture(scope="session")
def job_engine(database_settings: DatabaseSettings) -> Iterator[Engine]:
    """A worker's engine, whose compiled statements serve all tests of this process."""
    engine = engine_of(database_settings, seconds=database_settings.job_seconds)
    yield engine
    engine.dispose()


@pytest.fixture
def state(settings: Settings, clean_database: str, job_engine: Engine) -> State:
    """Sessions of it commit; the tables are emptied after the test."""
    daily = settings.model_copy(update={"drift": DriftSettings(grace_seconds=900, min_rows=50)})
    return State(daily, job_engine, sessions_of(job_engine), Storage(daily.storage))


@pytest.fixture
def brief_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty pages instead of Evidently's: most of the time that a night takes, for tests of nights
    that look at no page. ``test_evidently_report.py`` and others judge with the real one."""

    def stored(storage: Storage, report_id: uuid.UUID, *_: object) -> Stored:
        folder = f"reports/{report_id}"
        return Stored(
            storage.write(f"{folder}/evidently.html", b"empty"),
            storage.write(f"{folder}/evidently.json", b"{}"),
        )

    monkeypatch.setattr(evidently_report, "stored", stored)
