"""Prometheus metrics: requests, the relay, and the state of monitoring, read at each scrape."""

from collections.abc import Iterator
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mycovigil.events.event import Topic
from mycovigil.postgres import partitions
from mycovigil_drift.session import Database
from mycovigil_web.metrics import WebMetrics

log = structlog.get_logger(__name__)
GAUGES = {
    "outbox_waiting": (
        "Events not yet published.",
        "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    ),
    "outbox_oldest_seconds": (
        "Age of the oldest event not yet published.",
        "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM outbox "
        "WHERE published_at IS NULL",
    ),
    "incidents_unresolved": (
        "Incidents open or acknowledged.",
        "SELECT count(*) FROM incidents WHERE state <> 'resolved'",
    ),
    "incidents_critical": (
        "Unresolved incidents that are critical.",
        "SELECT count(*) FROM incidents WHERE state <> 'resolved' AND severity = 'critical'",
    ),
    "nights_failed": (
        "Nights of the last week that failed and are not tried again.",
        "SELECT count(*) FROM drift_reports WHERE verdict = 'failed' AND retry_at IS NULL "
        "AND origin = 'nightly' AND window_end > now() - interval '7 days'",
    ),
    "retrains_failed": (
        "Retrain jobs that failed within a day.",
        "SELECT count(*) FROM retrain_jobs WHERE state = 'failed' "
        "AND finished_at > now() - interval '1 day'",
    ),
    "candidates_refused": (
        "Candidates that the gate refused within a day.",
        "SELECT count(*) FROM promotions WHERE decision = 'refused' "
        "AND created_at > now() - interval '1 day'",
    ),
    "certificate_void": (
        "1 while the certificate of the production model is void.",
        "SELECT count(*) FROM models WHERE status = 'production' AND certificate_state = 'void'",
    ),
    "answers_stopped": (
        "1 while an operator has stopped all answers.",
        "SELECT count(*) FROM answer_stops WHERE ended_at IS NULL",
    ),
    "demo_model": (
        "1 while the demo model is in production, which is not for real mushrooms.",
        "SELECT count(*) FROM models WHERE demo AND status = 'production'",
    ),
    "retrain_jobs_waiting": (
        "Retrain jobs queued or running.",
        "SELECT count(*) FROM retrain_jobs WHERE state IN ('queued', 'running')",
    ),
    "partition_days_ahead": (
        "Days after today that have a partition of predictions; the worker makes them.",
        partitions.DAYS_AHEAD,
    ),
    "last_judged_timestamp_seconds": (
        "Dead man's switch: end of the latest night that was judged, as a Unix time; one that "
        "failed or had no reference set was not. Before the first, when the first photo came; "
        "now where none did.",
        "SELECT extract(epoch FROM coalesce((SELECT max(window_end) FROM drift_reports "
        "WHERE origin <> 'request' AND periods = 1 AND verdict NOT IN ('failed', 'no_reference')), "
        "(SELECT created_at FROM predictions ORDER BY id LIMIT 1), now()))",
    ),
    "last_report_timestamp_seconds": (
        "Dead man's switch: when the latest report was made, as a Unix time.",
        "SELECT coalesce(extract(epoch FROM max(created_at)), 0) FROM drift_reports",
    ),
}


class Metrics:
    """Counters of one application, on a registry of its own."""

    def __init__(self, public_url: str = "", *, night_seconds: float = 86_400) -> None:
        self.registry = CollectorRegistry()
        self.web = WebMetrics("drift", self.registry)
        dashboard = Gauge(
            "mycovigil_dashboard_info",
            "1; its label is the address of the dashboard, for links in alerts.",
            ("url",),
            registry=self.registry,
        )
        dashboard.labels(public_url).set(1)
        night = Gauge(
            "mycovigil_night_seconds",
            "Length of a night; what is late depends on it.",
            registry=self.registry,
        )
        night.set(night_seconds)
        self.relay_published = Counter(
            "mycovigil_relay_published_total",
            "Events handed to the broker.",
            ("topic",),
            registry=self.registry,
        )
        self.relay_failures = Counter(
            "mycovigil_relay_failures_total",
            "Attempts that did not go out: the broker refused, or the event cannot be read.",
            ("topic",),
            registry=self.registry,
        )

        self.storage_paused = Gauge(
            "mycovigil_drift_storage_paused",
            "Whether the storage of files is left alone for a while, because it failed or hung.",
            registry=self.registry,
        )
        for topic in Topic:  # a series that is 0 is drawn, one that is not there looks broken
            self.relay_published.labels(topic.value)
            self.relay_failures.labels(topic.value)

    def watch(self, database: Database) -> None:
        """Read :data:`GAUGES` from ``database`` at each scrape."""
        self.registry.register(DatabaseCollector(database))


class DatabaseCollector(Collector):
    """Gauges from rows; a database that is away leaves them out rather than showing old ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Names without reading anything, so that registering needs no database."""
        return [
            _database_up(),
            *(GaugeMetricFamily(f"mycovigil_{n}", meaning) for n, (meaning, _) in GAUGES.items()),
        ]

    def collect(self) -> Iterator[Metric]:
        reachable, values = self._read()
        up = _database_up()
        up.add_metric([], float(reachable))
        yield up
        for name, value in values.items():
            gauge = GaugeMetricFamily(f"mycovigil_{name}", GAUGES[name][0])
            gauge.add_metric([], float(value))
            yield gauge

    def _read(self) -> tuple[bool, dict[str, Any]]:
        columns = ", ".join(f"({query}) AS {name}" for name, (_, query) in GAUGES.items())
        try:
            with self._database.probes() as session:
                row = session.execute(text(f"SELECT {columns}")).mappings().one()
        except SQLAlchemyError as error:
            log.warning("metrics without the database", error=str(error).splitlines()[0])
            return False, {}
        return True, dict(row)


def _database_up() -> GaugeMetricFamily:
    return GaugeMetricFamily("mycovigil_database_up", "Whether the database answered.")
