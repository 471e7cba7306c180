"""A worker's state on the test database, with nights of a day."""

import uuid
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Engine

from mycovigil.postgres.engine import engine_of, sessions_of
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings
from mycovigil.storage import Storage
from mycovigil_statistics.safety.harm.estimate import estimate_harm
from mycovigil_worker.report import evidently_report, harm
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
def brief_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer replicates of the bootstrap that says how sure the harm of a drift is, a third of a
    second of each drifted night, for tests that read no interval. ``test_explanation.py`` and the
    tests of the mathematics have all of them."""
    monkeypatch.setattr(harm, "estimate_harm", partial(estimate_harm, replicates=20))


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
