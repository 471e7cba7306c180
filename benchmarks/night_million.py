"""A night of a million photos against one of ten thousand: what the worker and Postgres spend.

    python benchmarks/night_million.py [--rows 1000000] [--dimension 512] [--folder /tmp]

A real Postgres in a temporary folder of its own (about 2 GB for a million rows of 512 features,
gone afterwards), rows by binary COPY, the whole nightly run: sample by index, sums in SQL, test,
slices, clusters, Evidently's page, rows of the report. Then the plan of the two queries.
"""

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import structlog
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from factories.night import FIRST, PERIOD, Served, id_at, make_served, night_of

from mycovigil.postgres import migration, partitions
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings, StorageSettings
from mycovigil_local.postgres import create_database, postgres
from mycovigil_worker.nights import nightly
from mycovigil_worker.state import State

SMALL = 10_000
# Feature vectors that differ; a row takes one of them.
DISTINCT = 4_096
# Columns and their binary types; a halfvec is sent as the bytes that pgvector reads.
COLUMNS = {
    "id": "uuid",
    "created_at": "timestamptz",
    "logged_at": "timestamptz",
    "request_id": "text",
    "client": "text",
    "model_id": "uuid",
    "encoder_id": "uuid",
    "features": "bytea",
    "probabilities": "real[]",
    "label": "text",
    "prediction_set": "text[]",
    "verdict": "text",
    "certificate": "text",
    "reasons": "jsonb",
    "distance": "real",
    "image_sha256": "text",
    "sample_key": "float8",
    "latency_ms": "real",
    "brightness": "real",
    "contrast": "real",
    "sharpness": "real",
    "colour_temperature": "real",
    "saturation": "real",
    "width": "int4",
    "height": "int4",
    "jpeg_quality": "real",
}
CLASSES = ("edible", "conditionally_edible", "poisonous", "deadly")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU and megabytes."""

    rows: int
    verdict: str
    worker: float
    postgres: float
    wall: float
    idle: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference", type=int, default=2_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        postgres(Path(folder) / "pg", throwaway=True) as server,
    ):
        settings = _settings(create_database(server, "million"), Path(folder))
        migration.upgrade(settings.database)
        state = State.of(settings)
        _load(state, options.reference, options.dimension, (SMALL, options.rows))
        spent = [_fresh(settings, number) for number in (0, 0, 1)]
        _show(spent[1:])
        _plans(state)
        state.engine.dispose()


def _settings(url: str, folder: Path) -> Settings:
    return Settings(
        database=DatabaseSettings(url=url),
        storage=StorageSettings(url=str(folder / "storage")),
        drift=DriftSettings(windows=(1,)),
    )


def _load(state: State, reference: int, dimension: int, nights: tuple[int, ...]) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=reference, dimension=dimension)
        partitions.ensure(session, [(FIRST + n * PERIOD).date() for n in range(len(nights))])
    url = state.settings.database.url.get_secret_value()
    with psycopg.connect(url) as connection:
        for number, rows in enumerate(nights):
            _copy(connection, served, number, rows, dimension)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) predictions")


def _copy(
    connection: psycopg.Connection[Any], served: Served, number: int, rows: int, dimension: int
) -> None:
    order = f"COPY predictions ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(order) as copy:
        copy.set_types(list(COLUMNS.values()))
        made = _rows(served, number, rows, dimension)
        for row in track(made, f"loading {rows:,} rows", total=rows, console=Console(stderr=True)):
            copy.write_row(row)


def _rows(served: Served, number: int, rows: int, dimension: int) -> Iterator[tuple[Any, ...]]:
    """One photo after another over the night; features already in pgvector's binary form."""
    rng = np.random.default_rng(number)
    header = np.array([dimension, 0], ">u2").tobytes()
    vectors = [
        header + v.astype(">f2").tobytes() for v in rng.standard_normal((DISTINCT, dimension))
    ]
    chances = rng.dirichlet(np.full(len(CLASSES), 0.3), DISTINCT)
    start, step = night_of(number).start, PERIOD / rows
    for place in range(rows):
        moment, one = start + place * step, int(rng.integers(DISTINCT))
        z = rng.standard_normal(5).tolist()
        yield (
            id_at(moment), moment, moment, "r", f"client {place % 7}", served.model.id,
            served.model.encoder_id, vectors[one], chances[one].tolist(),
            CLASSES[int(chances[one].argmax())], ["edible"], "cannot_tell", "valid", _NO_REASON,
            float(rng.uniform(0.1, 0.4)), "0" * 64, float(rng.random()), 5.0,
            0.45 + 0.08 * z[0], 0.2 + 0.03 * z[1], -2.2 + 0.3 * z[2],
            5200 + 400 * z[3], 0.3 + 0.05 * z[4], 800, 600, 90.0,
        )  # fmt: skip


_NO_REASON = psycopg.types.json.Jsonb([])


def _fresh(settings: Settings, number: int) -> Spent:
    """Judge a night in a process of its own, so that its peak is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_judge, (settings.model_dump(mode="python"), number))


def _judge(document: dict[str, Any], number: int) -> Spent:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    from mycovigil_worker.report import evidently_report

    state = State.of(Settings.model_validate(document))
    evidently_report.load()
    with state.sessions.begin() as session:  # a night is judged again by forgetting it
        start = {"start": night_of(number).start}
        session.execute(text("DELETE FROM drift_reports WHERE window_start = :start"), start)
        postmaster = int(session.scalar(text("SELECT pg_backend_pid()")) or 0)
    idle, before = _peak(), _server(postmaster)
    cpu, wall = time.process_time(), time.perf_counter()
    made = nightly.run(state, now=FIRST + (number + 1) * PERIOD + timedelta(hours=1))
    spent = time.process_time() - cpu, time.perf_counter() - wall
    server = _server(postmaster) - before
    with state.sessions() as session:
        from mycovigil.db.report import DriftReport

        report = session.get_one(DriftReport, made[-1])
        return Spent(report.rows, report.verdict, spent[0], server, spent[1], idle, _peak())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _server(backend: int) -> float:
    """CPU seconds of the whole server so far: living processes, and those it has buried."""
    postmaster = int(_stat(backend)[1])
    family = [postmaster, *_children(postmaster)]
    living = sum(sum(int(ticks) for ticks in _stat(pid)[11:13]) for pid in family)
    buried = sum(int(ticks) for ticks in _stat(postmaster)[13:15])
    return (living + buried) / TICK


def _children(parent: int) -> list[int]:
    every = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in every if int(_stat(pid)[1]) == parent]


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/pid/stat`` from the third on (proc(5)); zeros where it has ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50


def _show(spent: list[Spent]) -> None:
    table = Table(
        "rows", "verdict", "worker CPU s", "Postgres CPU s", "wall s", "peak MB", "above idle MB"
    )
    for one in spent:
        figures = (one.worker, one.postgres, one.wall)
        table.add_row(
            f"{one.rows:,}",
            one.verdict,
            *(f"{figure:.2f}" for figure in figures),
            f"{one.peak:.0f}",
            f"{one.peak - one.idle:.0f}",
        )
    Console().print(table)


def _plans(state: State) -> None:
    """How Postgres reads the large night."""
    for title, plan in (("sample", _sample_plan(state)), ("sums", _sums_plan(state))):
        sys.stdout.write(f"\n{title}:\n{plan}\n")


def _sample_plan(state: State) -> str:
    from mycovigil_worker.judging import sample

    return _explained(
        state,
        lambda session, model: sample.sampled(
            session, model, night_of(1), 5_000, _NOW, reference_set_id=_set(session)
        ),
    )


def _sums_plan(state: State) -> str:
    from mycovigil_worker.judging import window_totals

    def summed(session: Any, model: Any) -> object:
        encoder = session.scalar(text("SELECT id FROM encoders LIMIT 1"))
        return window_totals.summed(
            session, model, night_of(1), encoder_id=encoder, reference_set_id=_set(session),
            late_after=_NOW, novelty=1.0, as_of=_NOW,
        )  # fmt: skip

    return _explained(state, summed)


def _set(session: Any) -> Any:
    return session.scalar(text("SELECT id FROM reference_sets LIMIT 1"))


_NOW = datetime.now(tz=UTC)


def _explained(state: State, query: Callable[[Any, Any], object]) -> str:
    """EXPLAIN ANALYZE of each reading of predictions that a function sends."""
    from sqlalchemy import event

    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    with state.sessions() as session:
        model = session.scalar(text("SELECT id FROM models LIMIT 1"))
        event.listen(state.engine, "before_cursor_execute", note)
        query(session, model)
        event.remove(state.engine, "before_cursor_execute", note)
        raw = session.connection().connection.cursor()
        lines: list[str] = []
        for statement, parameters in sent:
            if "FROM predictions" in statement:
                raw.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
                lines += [line for (line,) in raw.fetchall()]
        return "\n".join(lines)


if __name__ == "__main__":
    main()
