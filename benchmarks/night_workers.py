"""Nights of a hundred models by one Celery worker, and by two: what the second one brings.

    python benchmarks/night_workers.py [--models 100] [--rows 60] [--turns 1]

Real Postgres, Valkey, storage and Celery workers (``-P solo``, one thread each); a model serves a
day, so that a hundred days are a hundred models with a night each. One tick is sent; whoever finds
nights of several models asks another worker for help. One and two workers take turns, each on a
database of its own. Beside the wall clock, which other programs of the machine slow down: the
workers' CPU, and how many cores that is on average. Two workers that together get no more of the
machine than one cannot be twice as fast.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
from celery import Celery
from rich.console import Console
from rich.table import Table
from sqlalchemy import update

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from factories.baseline import make_baseline
from factories.environment import environment
from factories.night import FIRST, PERIOD, make_night, make_served
from factories.valkey_server import valkey

from mycovigil.db.model import Model, ModelStatus
from mycovigil.postgres import migration
from mycovigil.references.window import Window
from mycovigil.settings import DatabaseSettings, RedisSettings, Settings, StorageSettings
from mycovigil_local.postgres import create_database, postgres
from mycovigil_worker.state import State

LONGEST = 3_000.0
CELERY = (sys.executable, "-m", "celery", "-A", "mycovigil_worker.app")


@dataclass(frozen=True)
class Spent:
    """Seconds, and nights by worker."""

    workers: int
    wall: float
    cpu: list[float]

    @property
    def cores(self) -> float:
        return sum(self.cpu) / self.wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres(Path(name) / "pg", throwaway=True) as server,
    ):
        storage = Path(name) / "storage"
        loaded = DatabaseSettings(url=create_database(server, "loaded"))
        migration.upgrade(loaded)
        _load(Settings(database=loaded, storage=_at(storage)), options.models, options.rows)
        spent = []
        for turn in range(options.turns):
            for workers in (1, 2) if turn % 2 == 0 else (2, 1):
                folder = Path(name) / f"{turn}-{workers}"
                folder.mkdir()
                shutil.copytree(storage, folder / "storage", dirs_exist_ok=True)
                url = create_database(server, f"nights_{turn}_{workers}", template="loaded")
                spent.append(_judged(folder, url, workers, options.models))
        _show(spent, options.models)


def _at(folder: Path) -> StorageSettings:
    folder.mkdir(exist_ok=True)
    return StorageSettings(url=str(folder))


def _judged(folder: Path, url: str, workers: int, models: int) -> Spent:
    settings = Settings(database=DatabaseSettings(url=url), storage=_at(folder / "storage"))
    with valkey(folder / "valkey") as (broker, _), ExitStack() as exits:
        settings = settings.model_copy(update={"redis": RedisSettings(url=broker)})
        variables = environment(settings, port=0, MYCOVIGIL_DRIFT_WINDOWS="1", OMP_NUM_THREADS="1")
        running = [_worker(exits, folder, number, variables) for number in range(workers)]
        _ready(variables, workers)
        cpu, start = [_cpu(one) for one in running], time.perf_counter()
        Celery(broker=broker).send_task("mycovigil_worker.nightly", queue="nights")
        _wait(url, models)
        wall = time.perf_counter() - start
        spent = [_cpu(one) - before for one, before in zip(running, cpu, strict=True)]
    return Spent(workers, wall, spent)


def _load(settings: Settings, models: int, rows: int) -> None:
    """The last model's day ended long ago: no other night is due."""
    state = State.of(settings)
    since = FIRST - models * PERIOD
    for number in range(models):
        day = since + number * PERIOD
        with state.sessions.begin() as session:
            session.execute(update(Model).values(status=ModelStatus.ARCHIVED))
            served = make_served(session, rows=200, seed=number, since=day)
            make_night(session, served, Window(day, day + timedelta(days=1)), rows=rows)
        make_baseline(state, served, rows=rows, end=day)
    state.engine.dispose()


def _worker(
    exits: ExitStack, folder: Path, number: int, variables: dict[str, str]
) -> psutil.Process:
    log = exits.enter_context((folder / f"worker{number}.log").open("wb"))
    command = [*CELERY, "worker", "-P", "solo", "-Q", "nights", "-n", f"w{number}@bench"]
    process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    exits.callback(process.wait, 60)
    exits.callback(process.terminate)
    return psutil.Process(process.pid)


def _ready(variables: dict[str, str], workers: int) -> None:
    """Until all answer, and have imported what they import ahead."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        command = [*CELERY, "inspect", "ping", "--timeout", "5"]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if done.stdout.count("pong") >= workers:
            time.sleep(10)
            return
    raise TimeoutError("the workers did not start")


def _wait(url: str, models: int) -> None:
    until = time.monotonic() + LONGEST
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < until:
            found = connection.execute(
                "SELECT count(DISTINCT model_id) FROM drift_reports WHERE verdict <> 'failed'"
            ).fetchone()
            if found and found[0] >= models:
                return
            time.sleep(0.5)
    raise TimeoutError("not all nights were judged")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _show(spent: list[Spent], models: int) -> None:
    table = Table("workers", "wall s", "nights/min", "CPU s by worker", "cores used")
    for one in spent:
        by_worker = " + ".join(f"{cpu:.0f}" for cpu in one.cpu)
        rate = f"{60 * models / one.wall:.1f}"
        table.add_row(str(one.workers), f"{one.wall:.0f}", rate, by_worker, f"{one.cores:.2f}")
    Console().print(table)
    walls = [sum(one.wall for one in spent if one.workers == number) for number in (1, 2)]
    cores = [sum(one.cores for one in spent if one.workers == number) for number in (1, 2)]
    Console().print(
        f"two workers are {walls[0] / walls[1]:.2f} times as fast as one; they got "
        f"{cores[1] / cores[0]:.2f} times the cores; load of the machine "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
