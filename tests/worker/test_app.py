"""Celery's configuration, the schedule, and the tasks that it names."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from mycovigil.settings import DriftSettings, Settings
from mycovigil_worker import tasks, tick
from mycovigil_worker.app import app, configuration, due, tick_of
from mycovigil_worker.labels import label_updates
from mycovigil_worker.nights import nightly, requested
from mycovigil_worker.retrain import retrain_queue
from mycovigil_worker.state import State


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


def test_a_step_that_fails_holds_back_none_of_the_others(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    done: list[str] = []
    monkeypatch.setattr(nightly, "run", crash)
    monkeypatch.setattr(requested, "drain", crash)
    monkeypatch.setattr(label_updates, "run", lambda *_, **__: done.append("labels"))
    monkeypatch.setattr(retrain_queue, "resend_waiting", lambda *_: done.append("waiting"))
    with capture_logs() as logs:
        tick.run(state, datetime.now(tz=UTC))
    assert done == ["labels", "waiting"]
    failed = [line["step"] for line in logs if "step of the tick failed" in line["event"]]
    assert failed == ["nights", "requests"]


def test_the_tick_follows_the_period() -> None:
    ticks = [
        tick_of(Settings(drift=DriftSettings(period_seconds=seconds))) for seconds in (2, 8, 86_400)
    ]
    assert ticks == [timedelta(seconds=1), timedelta(seconds=2), timedelta(hours=1)]


@pytest.mark.parametrize(
    ("grace", "hour", "minute"), [(900, {0}, {15}), (25_200, {7}, {0}), (59, {0}, {1})]
)
def test_a_night_is_judged_at_a_set_hour(grace: float, hour: set[int], minute: set[int]) -> None:
    found = due(Settings(drift=DriftSettings(grace_seconds=grace)))
    assert found is not None
    assert (found.hour, found.minute) == (hour, minute)
    assert due(Settings(drift=DriftSettings(period_seconds=60, grace_seconds=grace))) is None
