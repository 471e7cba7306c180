"""What every page of the dashboard costs with 1,000 reports and 1,000,000 predictions.

    python benchmarks/dashboard.py [--reports 1000] [--predictions 1000000] [--rounds 30]

Real Postgres in a temporary folder, which is deleted afterwards, and the service as a process of
its own. Wall times are those of one client on this machine, whoever else uses it; CPU times are
the service's and the database's. Exits with 1 if a page's p95 is 200 ms or more.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from dashboard_history import loaded
from factories.key import make_key

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.postgres import migration
from mycovigil.postgres.engine import one_session
from mycovigil.settings import DatabaseSettings
from mycovigil_local.port import free_port
from mycovigil_local.postgres import create_database, postgres

BOUND_MS = 200


@dataclass(frozen=True)
class Site:
    """Where the pages are, and the processes that make them."""

    url: str
    key: str
    service: psutil.Process
    database: psutil.Process


@dataclass(frozen=True)
class Cost:
    """Wall milliseconds of each request, CPU milliseconds of one, and the page's size."""

    wall: list[float]
    service: float
    database: float
    kilobytes: float

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.wall, share))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=1_000)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--dimension", type=int, default=256)
    options = parser.parse_args()
    console = Console(width=120)
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(Path(folder) / "pg", throwaway=True) as url,
    ):
        database = DatabaseSettings(url=create_database(url, "dashboard"))
        migration.upgrade(database)
        began = time.perf_counter()
        with one_session(database) as session:
            key = make_key(session)
            reports = loaded(session, options.reports, options.predictions, options.dimension)
            paths = pages(session, reports)
        with one_session(database) as session:
            session.execute(text("ANALYZE"))
        console.print(f"loaded in {time.perf_counter() - began:.0f} s")
        with serving(database, Path(folder) / "storage") as (address, service):
            site = Site(address, key, service, _postmaster(Path(folder) / "pg"))
            slow = show(console, measured(site, paths, options.rounds))
    sys.exit(1 if slow else 0)


def pages(session: Session, reports: list[DriftReport]) -> dict[str, str]:
    """Every page, by name."""
    drifted = [report for report in reports if report.verdict == ReportVerdict.DRIFT]
    model, reference = reports[0].model_id, reports[0].reference_set_id
    newest = text("SELECT id FROM incidents ORDER BY id DESC LIMIT 1")
    incident = session.execute(newest).scalar_one()
    other = session.scalars(select(ReferenceSet.id).where(ReferenceSet.id != reference)).one()
    nights = f"a={reports[-2].id}&b={reports[-1].id}"
    return {
        "overview": "/",
        "overview, 365 nights": "/?nights=365",
        "nights": "/reports",
        "nights, 200 that drifted": "/reports?verdict=drift&limit=200",
        "a calm night": f"/reports/{reports[-1].id}",
        "a drifted night": f"/reports/{drifted[-1].id}",
        "slices": "/slices?nights=60",
        "two nights": f"/compare/nights?{nights}",
        "two reference sets": f"/compare/reference-sets?a={reference}&b={other}",
        "incidents": "/incidents",
        "an incident": f"/incidents/{incident}",
        "alerts": "/alerts",
        "silences": "/silences",
        "alert rules": "/alert-rules",
        "models": "/models",
        "a model": f"/models/{model}",
        "retrain jobs": "/retrain-jobs",
        "reference sets": "/reference-sets",
        "a reference set": f"/reference-sets/{reference}",
        "audit trail": "/audit",
        "API: reports": "/v1/reports?limit=50",
        "API: a report": f"/v1/reports/{drifted[-1].id}",
        "all reports as CSV": "/v1/reports.csv",
        "all reports as JSON": "/v1/reports.json",
    }


@contextmanager
def serving(database: DatabaseSettings, storage: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The service by its own command; yields its address and its process."""
    port = free_port()
    environment = os.environ | {
        "MYCOVIGIL_DATABASE_URL": database.url.get_secret_value(),
        "MYCOVIGIL_PUBSUB_BACKEND": "redis",
        "MYCOVIGIL_STORAGE_URL": str(storage),
        "MYCOVIGIL_DRIFT_PORT": str(port),
        "MYCOVIGIL_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "mycovigil_drift"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    site = f"http://127.0.0.1:{port}"
    try:
        _wait(site)
        yield site, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(20)


def _wait(site: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{site}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError("the service did not start")


def measured(site: Site, paths: dict[str, str], rounds: int) -> dict[str, Cost]:
    """Each page ``rounds`` times in a row, after one that does not count."""
    headers = {"Authorization": f"Bearer {site.key}", "Accept": "text/html"}
    found = {}
    with httpx.Client(base_url=site.url, headers=headers, timeout=60) as client:
        for name, path in paths.items():
            client.get(path).raise_for_status()
            before = _cpu([site.service]), _cpu(_backends(site.database))
            wall, size = [], 0
            for _ in range(rounds):
                start = time.perf_counter()
                answer = client.get(path)
                wall.append((time.perf_counter() - start) * 1000)
                answer.raise_for_status()
                size = len(answer.content)
            after = _cpu([site.service]), _cpu(_backends(site.database))
            service, database = (
                (now - then) * 1000 / rounds for now, then in zip(after, before, strict=True)
            )
            found[name] = Cost(wall, service, database, size / 1024)
    return found


def _backends(server: psutil.Process) -> list[psutil.Process]:
    """Postgres with a process for every connection."""
    return [server, *server.children(recursive=True)]


def _postmaster(data: Path) -> psutil.Process:
    """The server that runs on a data folder, as it wrote down itself."""
    return psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))


def _cpu(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def show(console: Console, costs: dict[str, Cost]) -> list[str]:
    """Print the table; returns the pages that are too slow."""
    table = Table("page", "wall p50 ms", "wall p95 ms", "service CPU ms", "database CPU ms", "KB")
    for name, cost in costs.items():
        numbers = (cost.percentile(50), cost.percentile(95), cost.service, cost.database)
        cells = (f"{number:.1f}" for number in (*numbers, cost.kilobytes))
        table.add_row(name, *cells)
    console.print(table)
    return [name for name, cost in costs.items() if cost.percentile(95) >= BOUND_MS]


if __name__ == "__main__":
    main()
