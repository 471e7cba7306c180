"""What one night costs the worker, in CPU seconds: calm and drifted, by rows.

    python benchmarks/night_cost.py [--reference 2000] [--dimension 256]

Real Postgres in a temporary folder, real storage, the whole nightly run: sample, test, cause,
harm, gallery, Evidently's page, rows. The first night also fits the reference and imports
Evidently.
"""

import argparse
import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from factories.night import FIRST, PERIOD, make_night, make_served, night_of

from mycovigil.postgres import migration
from mycovigil.settings import DatabaseSettings, DriftSettings, Settings, StorageSettings
from mycovigil_local.postgres import create_database, postgres
from mycovigil_worker.nights import nightly
from mycovigil_worker.state import State

NIGHTS = ((200, 0.0), (200, 0.0), (200, 0.3), (5_000, 0.0), (5_000, 0.3))


def measured(state: State, night: int) -> tuple[str, float, float]:
    """Verdict, CPU and wall seconds of judging the night that is due."""
    cpu, wall = time.process_time(), time.perf_counter()
    moment = FIRST + (night + 1) * PERIOD + timedelta(hours=1)
    made = nightly.run(state, now=moment)
    assert len(made) == 1
    spent = time.process_time() - cpu, time.perf_counter() - wall
    with state.sessions() as session:
        from mycovigil.db.report import DriftReport

        return session.get_one(DriftReport, made[0]).verdict, *spent


def idle(state: State, night: int) -> float:
    """Wall milliseconds of a tick that finds nothing to do."""
    moment = FIRST + (night + 1) * PERIOD + timedelta(hours=1)
    start = time.perf_counter()
    for _ in range(10):
        nightly.run(state, now=moment)
    return (time.perf_counter() - start) * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=int, default=2_000)
    parser.add_argument("--dimension", type=int, default=256)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder) / "pg", throwaway=True) as u,
    ):
        database = DatabaseSettings(url=create_database(u, "cost"))
        migration.upgrade(database)
        state = State.of(
            Settings(
                database=database,
                storage=StorageSettings(url=str(Path(folder) / "storage")),
                drift=DriftSettings(windows=(1,)),
            )
        )
        show(state, options.reference, options.dimension)
        state.engine.dispose()


def show(state: State, reference: int, dimension: int) -> None:
    with state.sessions.begin() as session:
        served = make_served(session, rows=reference, dimension=dimension)
        for number, (rows, shift) in enumerate(NIGHTS):
            make_night(
                session, served, night_of(number), rows=rows, shift=shift, dimension=dimension
            )
    table = Table("night", "rows", "verdict", "CPU s", "wall s", "peak MB")
    for number, (rows, _) in enumerate(NIGHTS):
        verdict, cpu, wall = measured(state, number)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cells = (number, rows, verdict, f"{cpu:.2f}", f"{wall:.2f}", f"{peak:.0f}")
        table.add_row(*(str(cell) for cell in cells))
    console = Console()
    console.print(table)
    console.print(f"a tick with nothing due: {idle(state, len(NIGHTS) - 1):.1f} ms")


if __name__ == "__main__":
    main()
