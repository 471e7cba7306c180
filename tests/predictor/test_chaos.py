"""Postgres and the predictor are killed at random moments under load: 0 rows missing, 0 double."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from factories.environment import environment
from factories.outage import Database, Server, until
from factories.photo import make_photo
from factories.predictor import Desk
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from mycovigil.db.model import Model
from mycovigil.db.prediction import Prediction
from mycovigil.settings import Settings
from mycovigil.stack.port import free_port

pytestmark = pytest.mark.slow
CLIENTS = 8
BLOWS = 12
STARTS_WITHIN = 90.0
COMMAND = [sys.executable, "-m", "mycovigil_predictor"]


class Victim:
    """A predictor process that is killed and started again, on one port and one spool."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log.open("ab")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            COMMAND, env=self._environment, stdout=self._log, stderr=self._log
        )

    def kill(self, number: int = signal.SIGKILL) -> None:
        self._process.send_signal(number)
        self._process.wait(40)

    def close(self) -> None:
        self.kill(signal.SIGTERM)
        self._log.close()


class Load:
    """Clients that send photos and note the ids that were answered."""

    def __init__(self, url: str, key: str) -> None:
        self.answered: list[str] = []
        self._url, self._key = url, key
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._clients = [self._pool.submit(self._send, number) for number in range(CLIENTS)]

    def stop(self) -> None:
        self._over.set()
        for client in self._clients:
            client.result()
        self._pool.shutdown()

    def _send(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "image/jpeg"}
        photo = make_photo(seed=number)
        with httpx.Client(base_url=self._url, headers=headers, trust_env=False) as http:
            while not self._over.is_set():
                try:
                    answer = http.post("/v1/predictions", content=photo, timeout=10)
                except httpx.TransportError:
                    continue
                if answer.status_code == 200:
                    self.answered.append(answer.json()["id"])
                assert answer.status_code in {200, 401, 429, 503}, answer.text


@pytest.mark.timeout(600)
def test_every_answered_id_is_one_row(  # noqa: PLR0917 - fixtures
    desk: Desk,
    settings: Settings,
    production: Model,
    engine: Engine,
    server_connection: Server,
    postgres_url: str,
    tmp_path: Path,
) -> None:
    database = Database(server_connection, str(make_url(postgres_url).database))
    port, chance = free_port(), random.Random(20_261_122)
    key = desk.key()
    url = f"http://127.0.0.1:{port}"
    victim = Victim(
        environment(settings, port=port, MYCOVIGIL_LOG_LEVEL="warning"), tmp_path / "predictor.log"
    )
    until(lambda: ready(url), STARTS_WITHIN)
    load = Load(url, key)
    try:
        for _ in range(BLOWS):
            time.sleep(chance.uniform(0.1, 1.2))
            if chance.random() < 0.6:
                database.take_away()
                time.sleep(chance.uniform(0.0, 1.0))
                if chance.random() < 0.5:
                    victim.kill()
                    victim.start()
                database.give_back()
            else:
                victim.kill(chance.choice([signal.SIGKILL, signal.SIGTERM]))
                victim.start()
            until(lambda: ready(url), STARTS_WITHIN)
        time.sleep(1)
        load.stop()
        until(lambda: httpx.get(f"{url}/readyz").json().get("spool_rows") == 0, 30)
    finally:
        database.give_back()
        load.stop()
        victim.close()
    with Session(engine) as session:
        kept = Counter(str(one) for one in session.scalars(select(Prediction.id)))
    assert len(load.answered) > 200
    assert set(load.answered) <= set(kept)
    assert max(kept.values()) == 1
    assert len(set(load.answered)) == len(load.answered)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
