"""Kept photos encoded anew by one and by two workers: photos a second, and the ratio.

    python benchmarks/reencode.py [--photos 10000] [--days 10] [--encoder URI] [--json FILE]

A real Postgres and Valkey in a temporary folder, drawn photos of 800 x 600 in a local storage, one
Celery group on the queue ``retrain``. Each worker is bound to a processor of its own, as on a
machine of its own. The second run begins from nothing again, and ends with the same rows.
"""

import argparse
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from factories.night import make_night, make_served, night_of

from mycovigil.db.encoder import DayState, EncodedDay, EncodedPhoto
from mycovigil.postgres import migration
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings, StorageSettings
from mycovigil.storage import Storage, photo_key
from mycovigil_local.port import free_port
from mycovigil_local.postgres import create_database, postgres
from mycovigil_local.process import Child
from mycovigil_local.valkey import READY, valkey_command

screen = Console(highlight=False)
DISTINCT = 64
SIDES = (800, 600)
CELERY = [sys.executable, "-m", "celery", "-A", "mycovigil_worker.app", "worker", "-P", "solo"]


@dataclass(frozen=True)
class Run:
    """``cpu_ms``: of workers and their children, without Postgres, a photo."""

    workers: int
    photos: int
    seconds: float
    photos_a_second: float
    cpu_ms: float
    rows: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--encoder", default="lite/int8-weights")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        base = Path(folder)
        base.chmod(0o755)
        server = stack.enter_context(postgres(base / "postgres", throwaway=True))
        url = create_database(server, "reencode")
        migration.upgrade(DatabaseSettings(url=url))
        broker = stack.enter_context(_valkey(base / "valkey"))
        storage = base / "storage"
        os.environ |= {
            "MYCOVIGIL_DATABASE_URL": url,
            "MYCOVIGIL_REDIS_URL": broker,
            "MYCOVIGIL_STORAGE_URL": str(storage),
        }
        engine = engine_of(DatabaseSettings(url=url), seconds=600)
        days = _filled(engine, storage, asked.photos, asked.days)
        runs = [_measured(engine, days, asked.encoder, base, workers) for workers in (1, 2)]
    one, two = runs
    ratio = two.photos_a_second / one.photos_a_second
    for run in runs:
        screen.print(
            f"{run.workers} worker(s): {run.photos} photos in {run.seconds:.1f} s, "
            f"{run.photos_a_second:.0f} photos/s, {run.cpu_ms:.1f} CPU ms a photo"
        )
    load = os.getloadavg()
    screen.print(f"ratio {ratio:.2f}; same rows: {one.rows == two.rows}; load {load[0]:.1f}")
    if asked.json:
        found = {"runs": [asdict(run) for run in runs], "ratio": ratio, "load": load}
        asked.json.write_text(json.dumps(found, indent=1) + "\n")


def _filled(engine: Engine, folder: Path, photos: int, days: int) -> tuple[date, date]:
    """Answers with a kept photo each; returns the first and the last day."""
    storage = Storage(StorageSettings(url=str(folder)))
    files = [_photo(seed) for seed in range(DISTINCT)]
    with Session(engine) as session, session.begin():
        served = make_served(session, rows=1)
        for number in range(days):
            make_night(session, served, night_of(number), rows=photos // days)
        ids = session.scalars(text("SELECT id FROM predictions ORDER BY id")).all()
        keys = {one: photo_key(hashlib.sha256(one.bytes).hexdigest()) for one in ids}
        named = [{"one": one, "key": key} for one, key in keys.items()]
        session.execute(text("UPDATE predictions SET image_key = :key WHERE id = :one"), named)
    for place, key in enumerate(keys.values()):
        storage.write(key, files[place % DISTINCT])
    return night_of(0).start.date(), night_of(days - 1).start.date()


def _photo(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    grain = rng.normal(0, 6, (SIDES[1], SIDES[0], 3))
    pixels = np.asarray(small.resize(SIDES, Image.Resampling.BICUBIC)) + grain
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _measured(
    engine: Engine, days: tuple[date, date], encoder: str, base: Path, workers: int
) -> Run:
    with Session(engine) as session, session.begin():
        session.execute(text("TRUNCATE encoded_photos, encoded_days"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with ExitStack() as stack:
        for number in range(workers):
            stack.enter_context(_worker(base / f"worker-{workers}-{number}.log", number))
        command = [sys.executable, "-m", "mycovigil", "drift", "reencode", "--encoder", encoder]
        stretch = ["--from", str(days[0]), "--to", str(days[1])]
        subprocess.run([*command, *stretch], check=True, stdout=subprocess.DEVNULL, timeout=120)
        while _left(engine):
            time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with Session(engine) as session:
        photos = session.scalar(select(func.count()).select_from(EncodedPhoto)) or 0
        ends = select(func.min(EncodedDay.started_at), func.max(EncodedDay.finished_at))
        begun, ended = session.execute(ends).one()
        assert begun
        assert ended
        rows = session.execute(
            text(
                "SELECT md5(string_agg(prediction_id::text || features::text, ',' "
                "ORDER BY prediction_id)) FROM encoded_photos"
            )
        ).scalar_one()
    seconds = (ended - begun).total_seconds()
    return Run(workers, photos, seconds, photos / seconds, 1000 * spent / photos, rows)


def _left(engine: Engine) -> int:
    """Days that are not done.

    Raises:
        RuntimeError: a day failed.
    """
    with Session(engine) as session:
        rows = session.execute(select(EncodedDay.state, EncodedDay.problem)).all()
    if problems := [row.problem for row in rows if row.problem]:
        raise RuntimeError(problems[0])
    return sum(row.state != DayState.DONE for row in rows)


@contextmanager
def _worker(log: Path, number: int) -> Iterator[None]:
    processors = sorted(os.sched_getaffinity(0))
    mine = {processors[number % len(processors)]}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*CELERY, "-Q", "retrain", "-n", f"w{number}@bench"], stdout=stream, stderr=stream
        )
        os.sched_setaffinity(process.pid, mine)
        try:
            deadline = time.monotonic() + 120
            while b"ready" not in log.read_bytes():
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"a worker does not start: {log.read_text()[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def _valkey(folder: Path) -> Iterator[str]:
    port = free_port()
    server = Child(
        "valkey", valkey_command(folder, port, throwaway=True), os.environ, _quiet, ready=READY
    )
    server.start()
    server.wait_ready(60)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.stop()


def _quiet(_name: str, _line: str) -> None:
    """The server's output is of no use here."""


if __name__ == "__main__":
    main()
