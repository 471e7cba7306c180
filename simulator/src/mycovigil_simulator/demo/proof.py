"""The counts that prove the loop, read from the tables themselves."""

from dataclasses import asdict, dataclass

import psycopg

COUNTS = {
    "rows_logged": "SELECT count(*) FROM predictions",
    "distinct_rows": "SELECT count(DISTINCT id) FROM predictions",
    "labels": "SELECT count(*) FROM labels",
    "alerts_fired": (
        "SELECT count(*) FROM alerts JOIN incidents ON incidents.id = incident_id "
        "WHERE alerts.kind = 'opened' AND incidents.kind = 'drift'"
    ),
    "skew_alerts": (
        "SELECT count(*) FROM alerts JOIN incidents ON incidents.id = incident_id "
        "WHERE alerts.kind = 'opened' AND incidents.kind = 'skew'"
    ),
    "escalations": "SELECT count(*) FROM alerts WHERE kind = 'escalated'",
    "alerts_by_labels": (
        "SELECT count(*) FROM alerts JOIN incidents ON incidents.id = incident_id "
        "WHERE alerts.kind = 'opened' AND incidents.cause = 'missed_deadly'"
    ),
    "events_waiting": "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    "messages_received": (
        "SELECT count(*) FROM inbox JOIN alerts USING (event_id) "
        "JOIN incidents ON incidents.id = incident_id "
        "WHERE alerts.kind = 'opened' AND incidents.kind = 'drift'"
    ),
    "skew_alerts_received": (
        "SELECT count(*) FROM inbox JOIN alerts USING (event_id) "
        "JOIN incidents ON incidents.id = incident_id "
        "WHERE alerts.kind = 'opened' AND incidents.kind = 'skew'"
    ),
    "escalations_received": (
        "SELECT count(*) FROM inbox JOIN alerts USING (event_id) WHERE kind = 'escalated'"
    ),
    "retrain_jobs": "SELECT count(*) FROM retrain_jobs WHERE incident_id IS NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """``closed`` is the claim: nothing answered was lost, an alert fired, and every alert's message
    was received.

    An incident opens with one alert, by a drifted night or by labels that show missed deadly
    photos, and starts one retrain job; it may escalate later, which is received too and starts no
    second job. A skew opens an incident of its own, which starts none: a person accepts it.
    """

    answered: int
    rows_logged: int
    distinct_rows: int
    labels: int
    alerts_fired: int
    skew_alerts: int
    escalations: int
    alerts_by_labels: int
    events_waiting: int
    messages_received: int
    skew_alerts_received: int
    escalations_received: int
    retrain_jobs: int

    @property
    def closed(self) -> bool:
        return (
            0 < self.answered == self.rows_logged == self.distinct_rows
            and 0 < self.alerts_fired == self.messages_received == self.retrain_jobs
            and self.skew_alerts == self.skew_alerts_received
            and self.escalations == self.escalations_received
            and self.events_waiting == 0
        )

    def document(self) -> dict[str, int | bool]:
        return asdict(self) | {"closed": self.closed}


def collect(database_url: str, answered: int) -> Proof:
    """Count everything in one snapshot."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        numbers = {}
        for name, query in COUNTS.items():
            row = connection.execute(query.encode()).fetchone()
            numbers[name] = int(row[0]) if row else 0
    return Proof(answered=answered, **numbers)
