"""The test bench: real Postgres, Redis and Pub/Sub emulator, one database an xdist worker."""

import gc
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from factories.chaos_table import pytest_terminal_summary, tell
from factories.mortal import MortalPostgres
from factories.outage import DEADLINE
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.db.schema import Base
from mycovigil.postgres import migration
from mycovigil.postgres.engine import engine_of, sessions_of
from mycovigil.settings import (
    DatabaseSettings,
    DriftSettings,
    EncoderSettings,
    PredictorSettings,
    PublisherSettings,
    RedisSettings,
    Settings,
    StorageSettings,
)
from mycovigil.storage import Storage
from mycovigil_local.emulator import emulator_command
from mycovigil_local.port import free_port
from mycovigil_local.postgres import create_database, postgres
from mycovigil_local.process import Child
from mycovigil_local.valkey import READY, valkey_command

__all__ = ["pytest_terminal_summary", "tell"]
os.environ.setdefault("DO_NOT_TRACK", "1")
# Without compiled files each run and each process that a test starts would compile our sources.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
REPOSITORY = Path(__file__).resolve().parents[1]
# A temporary folder for the runs of this checkout. The usual one belongs to all runs of a user, and
# pytest makes it private whenever one starts: root's Postgres, another user, could not enter then.
TEMPORARY = Path(tempfile.gettempdir()) / f"mycovigil-{zlib.crc32(bytes(REPOSITORY)):x}"
TEMPORARY.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(TEMPORARY))


# What is imported lives to the end.
gc.disable()


def pytest_collection_finish() -> None:
    """The garbage collector would look at a million objects that live to the end again and again,
    a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


@pytest.fixture(autouse=True)
def plain_tracebacks() -> None:
    """structlog's own default draws the local variables of each frame: seconds, with arrays."""
    if not structlog.is_configured():
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def _quiet(_name: str, _line: str) -> None:
    """Output of test servers; their failures carry the last lines anyway."""


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One throwaway server for all xdist workers: they share the run's base folder."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with postgres(shared / "postgres", throwaway=True) as url:
        yield url


@pytest.fixture(scope="session")
def mortal_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalPostgres]:
    """A server of this worker that tests kill and freeze; each leaves it running."""
    server = MortalPostgres(tmp_path_factory.mktemp("mortal") / "data")
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A database of this worker, made by the real migrations."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    url = create_database(postgres_server, f"test_{worker}")
    migration.upgrade(DatabaseSettings(url=url))
    return url


@pytest.fixture(scope="session")
def database_settings(postgres_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=postgres_url)


@pytest.fixture(scope="session")
def engine(database_settings: DatabaseSettings) -> Iterator[Engine]:
    engine = engine_of(database_settings, seconds=60)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose outer transaction is rolled back, whatever the code under test commits."""
    with engine.connect() as connection, connection.begin() as outer:
        with sessions_of(engine)(
            bind=connection, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        outer.rollback()


# Waits for writers that are still inside a transaction, then empties every table. TRUNCATE would
# make new files for 19 tables, 64 partitions and their indexes: 0.1 s, of hundreds of tests.
EMPTY = ";".join(
    (
        "SET LOCAL session_replication_role = replica",  # no foreign keys: any order will do
        f"LOCK TABLE {', '.join(Base.metadata.tables)} IN EXCLUSIVE MODE",
        *(f"DELETE FROM {name}" for name in Base.metadata.tables),
    )
)


@pytest.fixture
def clean_database(postgres_url: str, engine: Engine) -> Iterator[str]:
    """The worker's database for tests where several connections commit; emptied afterwards."""
    yield postgres_url
    with engine.begin() as connection:
        connection.exec_driver_sql(EMPTY)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = valkey_command(tmp_path_factory.mktemp("redis"), port, throwaway=True)
    server = Child("redis", command, os.environ, _quiet, ready=READY)
    server.start()
    server.wait_ready(DEADLINE)
    yield f"redis://127.0.0.1:{port}/0"
    server.stop()


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[str]:
    """The real emulator's ``host:port``; skips aloud where it is not installed."""
    port = free_port()
    command = emulator_command(port)
    if command is None:
        pytest.skip("the Pub/Sub emulator is not installed (gcloud components, Java)")
    server = Child("pubsub", command, os.environ, _quiet, ready="Server started")
    server.start()
    server.wait_ready(DEADLINE)
    host = f"127.0.0.1:{port}"
    patch = pytest.MonkeyPatch()
    patch.setenv("PUBSUB_EMULATOR_HOST", host)
    yield host
    patch.undo()
    server.stop()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(StorageSettings(url=str(tmp_path / "storage")))


@pytest.fixture(scope="session")
def common_settings(database_settings: DatabaseSettings, redis_url: str) -> Settings:
    """Everything real and local; events go to Redis Streams. Read once: each of a dozen groups
    looks through the whole environment."""
    return Settings(
        database=database_settings,
        redis=RedisSettings(url=redis_url),
        publisher=PublisherSettings(backend="redis"),
        encoder=EncoderSettings(),
        predictor=PredictorSettings(port=0),
        drift=DriftSettings(port=0, grace_seconds=0),
    )


@pytest.fixture
def settings(tmp_path: Path, common_settings: Settings) -> Settings:
    """With folders and topics of the test's own."""
    own: dict[str, dict[str, object]] = {
        "publisher": {"topic_prefix": f"t{os.urandom(4).hex()}"},
        "storage": {"url": str(tmp_path / "storage")},
        "predictor": {"spool_path": tmp_path / "spool.sqlite"},
        "training": {"dataset": tmp_path / "dataset"},
    }
    return common_settings.model_copy(
        update={
            name: getattr(common_settings, name).model_copy(update=values)
            for name, values in own.items()
        }
    )


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos, which never enter the repository."""
    for place in (os.environ.get("MYCOVIGIL_PHOTOS"), REPOSITORY.parent / "shared" / "data"):
        if place and Path(place).is_dir():
            return Path(place)
    pytest.skip("no real photos: set MYCOVIGIL_PHOTOS or put them in ../shared/data")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; Debian's package is called chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on this machine (apt-get install chromium)")


@pytest.fixture
def server_connection(postgres_server: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser's connection, for tests that take the database away."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        yield connection
