"""Postgres and the predictor are killed at random moments under load: 0 rows missing, 0 double."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import structlog
from factories.bundle import make_bundle
from factories.mortal import MortalPostgres
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Desk, Serve
from factories.process import Process
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.prediction import Prediction
from mycovigil.postgres import migration
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil.storage import Storage
from mycovigil_local.postgres import create_database

CLIENTS = 8
# Seconds between a client's photos: a load at every moment, that leaves processes time to start.
PAUSE = 0.03
logger = structlog.get_logger(__name__)


class Load:
    """Clients that send photos and note the ids that were answered."""

    def __init__(self, process: Process, key: str) -> None:
        self.answered: list[str] = []
        self.spooled = 0
        self._process, self._key = process, key
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._pool.submit(self._send, number) for number in range(CLIENTS)]

    def grown(self, more: int) -> None:
        """Wait until so many more were answered."""
        wanted = len(self.answered) + more
        until(lambda: len(self.answered) >= wanted)

    def stop(self) -> None:
        self._over.set()
        for client in self._clients:
            client.result()
        self._pool.shutdown()

    def _send(self, number: int) -> None:
        photo = make_photo(seed=number)
        with self._process.client(self._key) as http:
            while not self._over.is_set():
                try:
                    answer = http.post("/v1/predictions", content=photo, timeout=30)
                except httpx.TransportError:
                    self._over.wait(0.05)
                    continue
                if answer.status_code == 200:
                    document = answer.json()
                    self.answered.append(document["id"])
                    self.spooled += document["logged"] == "spool"
                    self._over.wait(PAUSE)
                assert answer.status_code in {200, 401, 429, 503}, answer.text


@pytest.fixture
def mortal(mortal_postgres: MortalPostgres) -> Iterator[MortalPostgres]:
    """Up again after each test, with the databases of those before."""
    yield mortal_postgres
    mortal_postgres.start()


def strike(
    blow: str, chance: random.Random, process: Process, server: MortalPostgres, load: Load
) -> None:
    """Kill Postgres, the predictor, or both, or freeze Postgres, at any moment of a batch."""
    time.sleep(chance.uniform(0.0, 0.5))
    if blow == "freeze":
        server.freeze()
        try:
            load.grown(5)  # into the spool
        finally:
            server.thaw()
        return
    if blow != "predictor":
        server.kill()
    if blow == "postgres":
        load.grown(5)  # into the spool
    else:
        process.kill(chance.choice([signal.SIGKILL, signal.SIGTERM]))
    if blow != "predictor":
        server.start()
    if blow != "postgres":
        process.start()
    process.wait_ready()
    load.grown(5)


def survive(
    blows: list[str], settings: Settings, server: MortalPostgres, tiny: Path, log: Path
) -> Load:
    """Strike, and strike again; every answered id must be exactly one row."""
    database = DatabaseSettings(url=create_database(server.url, f"chaos_{len(blows)}"))
    migration.upgrade(database)
    engine = engine_of(database, seconds=60)
    desk = Desk(engine, Storage(settings.storage))
    desk.promote(make_bundle(tiny), tiny)
    process = Process(
        settings.model_copy(update={"database": database}), log, MYCOVIGIL_LOG_LEVEL="warning"
    )
    key = desk.key()
    process.start()
    process.wait_ready()
    load, chance = Load(process, key), random.Random(20_261_122)
    try:
        load.grown(5)
        for blow in blows:
            strike(blow, chance, process, server, load)
        load.stop()
        until(lambda: process.readiness().get("spool_rows") == 0)
    finally:
        load.stop()
        process.close()
    engine.dispose()  # its connections died with the server
    with Session(engine) as session:
        kept = Counter(str(one) for one in session.scalars(select(Prediction.id)))
    engine.dispose()
    missing = set(load.answered) - set(kept)
    logger.info(
        "survived",
        blows=Counter(blows),
        answered=len(load.answered),
        spooled=load.spooled,
        rows=len(kept),
        missing=len(missing),
        double=max(kept.values()) - 1,
    )
    assert not missing
    assert max(kept.values()) == 1
    assert len(set(load.answered)) == len(load.answered)
    return load


@pytest.mark.whole
def test_a_few_blows(
    settings: Settings, mortal: MortalPostgres, tiny: Path, tmp_path: Path
) -> None:
    load = survive(["postgres", "freeze", "both"], settings, mortal, tiny, tmp_path / "log")
    assert len(load.answered) > 15
    assert load.spooled >= 1


def test_a_hanging_server_delays_answers_and_stops_none(
    settings: Settings, mortal: MortalPostgres, serve: Serve, tiny: Path
) -> None:
    database = DatabaseSettings(url=create_database(mortal.url, "frozen"))
    migration.upgrade(database)
    engine = engine_of(database, seconds=60, pooled=False)
    desk = Desk(engine, Storage(settings.storage))
    desk.promote(make_bundle(tiny), tiny)
    options = settings.predictor.model_copy(update={"database_seconds": 1.0})
    running = serve(settings.model_copy(update={"database": database, "predictor": options}))
    key = {"authorization": f"Bearer {desk.key()}"}
    assert running.predict(make_photo(), **key).json()["logged"] == "database"

    mortal.freeze()
    try:
        start = time.monotonic()
        answers = [running.predict(make_photo(), **key) for _ in range(3)]
        assert time.monotonic() - start < 8
        assert [answer.json()["logged"] for answer in answers] == 3 * ["spool"]
        until(lambda: running.http.get("/readyz").json()["database"] == "spooling")
        stranger = {"authorization": f"Bearer myco_{12 * '0'}_{43 * 'a'}"}
        assert running.predict(make_photo(), **stranger).status_code == 503
    finally:
        mortal.thaw()

    until(lambda: running.http.get("/readyz").json()["spool_rows"] == 0)
    with Session(engine) as session:
        assert len(session.scalars(select(Prediction.id)).all()) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_blows(settings: Settings, mortal: MortalPostgres, tiny: Path, tmp_path: Path) -> None:
    blows = random.Random(7).choices(["postgres", "predictor", "both", "freeze"], k=30)
    load = survive(blows, settings, mortal, tiny, tmp_path / "log")
    assert len(load.answered) > 500
    assert load.spooled > 20
