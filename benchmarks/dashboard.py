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
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from factories.evidence import make_clusters, make_slices
from factories.incident import make_incident
from factories.key import make_key
from factories.night import Served, make_served
from factories.nightly_report import make_nightly_report

from mycovigil import incident as incidents
from mycovigil import migration
from mycovigil.db import partition
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.session import one_session
from mycovigil.settings import DatabaseSettings
from mycovigil.stack.port import free_port
from mycovigil.stack.postgres import create_database, postgres

BOUND_MS = 200
TRAFFIC_DAYS = 30
VECTORS = 500
NIGHT = timedelta(days=1)
LOAD = """
INSERT INTO predictions (id, created_at, logged_at, request_id, client, model_id, encoder_id,
    features, probabilities, label, prediction_set, verdict, certificate, reasons, distance,
    image_sha256, latency_ms, brightness, contrast, sharpness, colour_temperature, saturation,
    width, height, jpeg_quality)
SELECT gen_random_uuid(), at, at, 'r', 'client ' || n % 7, :model, :encoder,
    v.features, v.probabilities, v.label, '{edible}', 'cannot_tell', 'valid', '[]', 0.2,
    repeat('0', 64), 5, 0.45 + 0.08 * random(), 0.2, -2.2, 5200 + 400 * random(), 0.3,
    1600, 1200, 90
FROM generate_series(0, :rows - 1) AS n
JOIN vectors AS v ON v.number = n % :vectors
CROSS JOIN LATERAL (SELECT cast(:start AS timestamptz)
    + n * cast(:step AS double precision) * interval '1 second') AS t(at)
"""


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
            pair = f"/compare/nights?a={reports[-3].id}&b={reports[-2].id}&test=true"
            once = measured(site, {"first test of a pair": pair}, 1, warm=False)
            show(console, once)
    sys.exit(1 if slow else 0)


def loaded(session: Session, reports: int, predictions: int, dimension: int) -> list[DriftReport]:
    """A model with its reference, its nights up to today, and the traffic of the last month."""
    midnight = datetime.now(tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    served = make_served(session, rows=2_000, dimension=dimension, since=midnight - reports * NIGHT)
    session.execute(text('UPDATE models SET certificate = \'{"state": "valid"}\''))
    rng = np.random.default_rng(1)
    made = [_report(session, served, rng, midnight, reports, night) for night in range(reports)]
    _traffic(session, served, midnight, predictions, dimension)
    return made


def _report(
    session: Session,
    served: Served,
    rng: np.random.Generator,
    midnight: datetime,
    reports: int,
    night: int,
) -> DriftReport:
    """Every fortieth drifts, with an incident that is over the next night; the last stays."""
    drift = night % 40 == 39
    photo = {"prediction_id": "p", "score": 0.9, "label": "deadly", "neighbours": []}
    photo |= {"image_key": f"photos/aa/{'a' * 64}.jpg"}
    evidence = {"slices": make_slices(rng, ("page",) if drift else ())}
    if drift:
        evidence["clusters"] = make_clusters(neighbours=(1, 2, 3))
    report = make_nightly_report(
        session,
        served.model,
        served.reference,
        night=night,
        first=midnight - reports * NIGHT,
        verdict=ReportVerdict.DRIFT if drift else ReportVerdict.CALM,
        p_value=0.0002 if drift else float(rng.uniform(0.02, 1)),
        cause="camera_or_light" if drift else None,
        evidence=evidence,
        gallery=[photo] * 20 if drift else [],
    )
    if drift:
        found = make_incident(session, report)
        if night < reports - 40:
            incidents.resolve(session, found, resolution="calm again")
    return report


def _traffic(
    session: Session, served: Served, midnight: datetime, rows: int, dimension: int
) -> None:
    """All made inside Postgres, from a few hundred vectors."""
    days = [midnight.date() - n * NIGHT for n in range(TRAFFIC_DAYS + 1)]
    partition.ensure(session, days)
    rng = np.random.default_rng(2)
    session.execute(
        text(
            "CREATE TEMP TABLE vectors (number int PRIMARY KEY, features halfvec, "
            "probabilities real[], label text)"
        )
    )
    session.execute(
        text("INSERT INTO vectors VALUES (:number, cast(:features AS halfvec), :p, 'edible')"),
        [
            {
                "number": number,
                "features": str(rng.standard_normal(dimension).round(3).tolist()),
                "p": rng.dirichlet(np.full(4, 0.3)).tolist(),
            }
            for number in range(VECTORS)
        ],
    )
    seconds = TRAFFIC_DAYS * NIGHT.total_seconds()
    session.execute(
        text(LOAD),
        {
            "model": served.model.id,
            "encoder": served.model.encoder_id,
            "rows": rows,
            "vectors": VECTORS,
            "start": midnight - TRAFFIC_DAYS * NIGHT,
            "step": seconds / rows,
        },
    )


def pages(session: Session, reports: list[DriftReport]) -> dict[str, str]:
    """Every page, by name."""
    drifted = [report for report in reports if report.verdict == ReportVerdict.DRIFT]
    model, reference = reports[0].model_id, reports[0].reference_set_id
    newest = text("SELECT id FROM incidents ORDER BY id DESC LIMIT 1")
    incident = session.execute(newest).scalar_one()
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
        "two reference sets": f"/compare/reference-sets?a={reference}&b={reference}",
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


def measured(site: Site, paths: dict[str, str], rounds: int, warm: bool = True) -> dict[str, Cost]:
    """Each page ``rounds`` times in a row, after one that does not count."""
    headers = {"Authorization": f"Bearer {site.key}", "Accept": "text/html"}
    found = {}
    with httpx.Client(base_url=site.url, headers=headers, timeout=60) as client:
        for name, path in paths.items():
            if warm:
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
