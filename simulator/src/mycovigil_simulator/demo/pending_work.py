"""What the stack has still to do, counted in its tables: the demo goes on when it is nothing."""

from collections.abc import Callable

import psycopg

from mycovigil_simulator.demo.clock import eventually

TIMEOUT = 600.0  # seconds; a deadline for what will never come, not a pace

# Of each kind of work, how many pieces are unfinished. Every chain of events ends in one of them:
# answer -> row -> report -> alert -> event -> message -> retrain job, and label -> report. A job
# that waits for labels waits for people.
QUERIES = {
    "rows to log": "SELECT greatest(%(answered)s - count(*), 0) FROM predictions",
    "rows to judge": """
        SELECT count(*) FROM predictions p WHERE NOT EXISTS (
            SELECT FROM drift_reports r WHERE r.periods = 1 AND r.model_id = p.model_id
            AND r.window_start <= p.created_at AND r.window_end > p.created_at)""",
    "labels to evaluate": """
        SELECT greatest(count(*) - coalesce((
            SELECT sum((realised->>'labelled')::int + coalesce((realised->>'not_counted')::int, 0))
            FROM drift_reports WHERE periods = 1), 0), 0)
        FROM labels""",
    "events to publish": "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    "alerts to receive": """
        SELECT count(*) FROM alerts a WHERE a.event_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM inbox i WHERE i.event_id = a.event_id)""",
    "retrain jobs to end": """
        SELECT count(*) FROM retrain_jobs WHERE state IN ('queued', 'running')""",
}


def unfinished(database_url: str, answered: int) -> dict[str, int]:
    """Pieces of unfinished work by kind, in one snapshot; empty if all is done.

    Args:
        answered: predictions that clients received.
    """
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        counts = {}
        for kind, query in QUERIES.items():
            row = connection.execute(query.encode(), {"answered": answered}).fetchone()
            counts[kind] = int(row[0]) if row else 0
    return {kind: count for kind, count in counts.items() if count}


def wait_for_none(count: Callable[[], dict[str, int]], *, timeout: float = TIMEOUT) -> None:
    """Return as soon as ``count`` finds no unfinished work.

    Raises:
        TimeoutError: some was left after ``timeout`` seconds; the message names it.
    """
    left: dict[str, int] = {}

    def done() -> bool | None:
        nonlocal left
        left = count()
        return None if left else True

    try:
        eventually(done, "end of the work", timeout=timeout)
    except TimeoutError as late:
        named = ", ".join(f"{number} {kind}" for kind, number in left.items())
        raise TimeoutError(f"unfinished after {timeout:.0f} s: {named}; see the log") from late
