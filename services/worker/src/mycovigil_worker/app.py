"""The Celery application: ``celery -A mycovigil_worker.app worker`` (or ``beat``).

Importing it connects to nothing and reads no settings: Celery calls :func:`configuration` when it
first needs its configuration.
"""

import math
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.schedules import crontab
from kombu.entity import Exchange, Queue

from mycovigil.settings import Settings

NAME = "mycovigil_worker"
# Two queues, so that an operator can give long retrainings workers of their own (``-Q``).
NIGHTS = "nights"
RETRAIN = "retrain"
LONGEST_TICK = timedelta(hours=1)
SHORTEST_TICK = timedelta(seconds=1)
# Beat's longest sleep; its heartbeat must be younger than the health check's limit.
BEAT_SECONDS = 60
DAY = timedelta(days=1)


def tick_of(settings: Settings) -> timedelta:
    """How often the nightly task looks for missing reports: a quarter of a period, at most an
    hour. A tick that finds nothing costs a few milliseconds."""
    return min(max(settings.period / 4, SHORTEST_TICK), LONGEST_TICK)


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's configuration: JSON, times in UTC, set hours in the zone of the nights.

    Tasks are acknowledged late and fetched one at a time, so a killed worker loses none; the
    broker hands a task out again only after the longest retraining could have ended.
    """
    return {
        "broker_url": settings.redis.url.get_secret_value(),
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "visibility_timeout": int(settings.training.timeout_seconds) + 3600
        },
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "enable_utc": True,
        "timezone": settings.drift.zone,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_publish_retry_policy": {"max_retries": 2, "interval_start": 0.1},
        "task_queues": [_queue(NIGHTS), _queue(RETRAIN)],
        "task_default_queue": NIGHTS,
        "task_routes": {
            f"{NAME}.{task}": {"queue": RETRAIN}
            for task in ("retrain", "cancel_abandoned", "reencode")
        },
        "worker_hijack_root_logger": False,
        "beat_scheduler": f"{NAME}.beat_scheduler:Scheduler",
        "beat_max_loop_interval": min(tick_of(settings).total_seconds(), BEAT_SECONDS),
        "beat_schedule": schedule(settings),
    }


def _queue(name: str) -> Any:
    return Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]


def due(settings: Settings) -> crontab | None:
    """When a night may be judged, to the minute; none where a night is not a day."""
    if settings.period != DAY:
        return None
    minutes = math.ceil(settings.drift.grace_seconds / 60) % (24 * 60)
    return crontab(hour=str(minutes // 60), minute=str(minutes % 60))


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """What beat sends, and when: a night is due at its set hour; a tick catches up on what was
    missed. One that no worker took before the next tick expires."""
    tick, at = tick_of(settings), due(settings)
    nightly = {"task": f"{NAME}.nightly", "options": {"expires": tick.total_seconds()}}
    return {
        "catch_up": nightly | {"schedule": tick},
        **({"nightly": nightly | {"schedule": at}} if at else {}),
        "partitions": {"task": f"{NAME}.partitions", "schedule": timedelta(hours=6)},
        "retention": {"task": f"{NAME}.retention", "schedule": crontab(hour="0", minute="20")},
    }


app = Celery(NAME, include=[f"{NAME}.tasks", f"{NAME}.worker_process"])
app.add_defaults(lambda: configuration(Settings.load_or_exit()))
