"""Celery's configuration, the schedule, and the tasks that it names."""

from datetime import timedelta

from mycovigil.settings import DriftSettings, Settings
from mycovigil_worker import tasks
from mycovigil_worker.app import app, configuration, tick_of


def test_every_scheduled_task_exists() -> None:
    names = {entry["task"] for entry in configuration(Settings())["beat_schedule"].values()}
    assert names == {tasks.nightly.name, tasks.partitions.name, tasks.retire.name}
    assert names <= set(app.tasks)


def test_nights_and_retraining_have_queues_of_their_own() -> None:
    found = configuration(Settings())
    keys = {queue.name: queue.routing_key for queue in found["task_queues"]}
    assert keys == {"nights": "nights", "retrain": "retrain"}
    assert found["task_routes"][tasks.retrain_job.name] == {"queue": "retrain"}


def test_a_message_is_not_given_out_again_while_a_retraining_may_run() -> None:
    settings = Settings()
    options = configuration(settings)["broker_transport_options"]
    assert options["visibility_timeout"] > settings.training.timeout_seconds


def test_the_tick_follows_the_period() -> None:
    ticks = [
        tick_of(Settings(drift=DriftSettings(period_seconds=seconds))) for seconds in (2, 8, 86_400)
    ]
    assert ticks == [timedelta(seconds=1), timedelta(seconds=2), timedelta(hours=1)]
