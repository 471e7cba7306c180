"""A retrain job: one worker at a time, one outcome, and production changed by the gate only."""

import dataclasses
import datetime
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from factories.retrain_case import Case, job_of, make_case
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mycovigil.backoff import Backoff
from mycovigil.db.alert import Incident
from mycovigil.db.model import Model, Promotion
from mycovigil.db.retrain import RetrainJob
from mycovigil.models import promotion
from mycovigil.settings import TrainingSettings
from mycovigil_worker.retrain import job_run, retrain_queue, training
from mycovigil_worker.retrain import lease as leases
from mycovigil_worker.retrain.job_run import Ending
from mycovigil_worker.retrain.training import Result
from mycovigil_worker.state import State

FAKE = Path(__file__).parent / "fake_training.py"


def ordered(state: State, orders: dict[str, Any], **options: Any) -> State:
    """The state with a training command that obeys ``orders``."""
    command = (sys.executable, str(FAKE), json.dumps(orders))
    settings = state.settings.model_copy(
        update={"training": TrainingSettings(command=command, **options)}
    )
    return dataclasses.replace(state, settings=settings)


def test_a_candidate_that_passes_goes_live_and_resolves_the_incident(state: State) -> None:
    case = make_case(state)
    told = ordered(state, {"model_id": str(case.candidate), "passed": True})
    assert job_run.run(told, case.job) is Ending.PROMOTED
    with state.sessions() as session:
        assert session.get_one(Model, case.candidate).status == "production"
        assert session.get_one(Model, case.production).status == "archived"
        incident = session.scalars(select(Incident)).one()
        version = session.get_one(Model, case.candidate).version
    assert incident.state == "resolved"
    assert incident.resolution == f"model {version} promoted"
    job = job_of(state, case)
    assert (job.state, job.model_id, job.attempts) == ("succeeded", case.candidate, 1)
    assert job.lease_until is None
    log = state.storage.read(f"retrain/{case.job}/1.log").decode()
    assert "loading features" in log
    assert "epoch 1" in log


def test_a_refused_candidate_leaves_production_alone(state: State) -> None:
    case = make_case(state, passed=False)
    told = ordered(state, {"model_id": str(case.candidate), "passed": False})
    assert job_run.run(told, case.job) is Ending.REFUSED
    with state.sessions() as session:
        assert session.get_one(Model, case.production).status == "production"
        assert session.get_one(Model, case.candidate).status == "rejected"
        refusal = session.scalars(
            select(Promotion).where(Promotion.model_id == case.candidate)
        ).one()
        assert session.scalars(select(Incident)).one().state == "open"
    assert refusal.decision == "refused"
    assert job_of(state, case).state == "succeeded"


def test_without_auto_promotion_a_passed_candidate_waits(state: State) -> None:
    case = make_case(state)
    orders = {"model_id": str(case.candidate), "passed": True}
    told = ordered(state, orders, auto_promote=False)
    assert job_run.run(told, case.job) is Ending.WAITING
    with state.sessions() as session:
        assert session.get_one(Model, case.candidate).status == "candidate"


def test_a_failure_is_tried_three_times_and_keeps_its_reason(state: State) -> None:
    case = make_case(state)
    told = ordered(state, {"fail": "no labelled photos in the dataset"})
    endings = [job_run.run(told, case.job) for _ in range(4)]
    assert endings == [Ending.AGAIN, Ending.AGAIN, Ending.FAILED, Ending.NOT_MINE]
    job = job_of(state, case)
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error == "training ended with code 3: no labelled photos in the dataset"


def test_training_that_names_no_registered_model_fails(state: State) -> None:
    case = make_case(state)
    told = ordered(state, {"model_id": str(uuid.uuid4()), "passed": True})
    assert job_run.run(told, case.job) is Ending.AGAIN
    assert "registered no model" in str(job_of(state, case).error)


def test_whatever_training_prints_is_read(state: State) -> None:
    case = make_case(state)
    said = "import sys; sys.stderr.buffer.write(b'pilz-\\xe4.jpg\\0 ' * 20_000); sys.exit(4)"
    options = TrainingSettings(command=(sys.executable, "-c", said), timeout_seconds=120)
    settings = state.settings.model_copy(update={"training": options})
    assert job_run.run(dataclasses.replace(state, settings=settings), case.job) is Ending.AGAIN
    assert "ended with code 4: pilz-\ufffd.jpg" in str(job_of(state, case).error)


def test_a_database_that_restarts_at_the_end_costs_no_candidate(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(state)
    told = ordered(state, {"model_id": str(case.candidate), "passed": True})
    conclude, away = job_run.conclude, iter([True, True])

    def restarting(*arguments: Any) -> Ending:
        if next(away, False):
            raise OperationalError("UPDATE", {}, ConnectionError("terminating connection"))
        return conclude(*arguments)

    monkeypatch.setattr(job_run, "BACKOFF", Backoff(0, 0))
    monkeypatch.setattr(job_run, "conclude", restarting)
    assert job_run.run(told, case.job) is Ending.PROMOTED


def test_a_log_that_cannot_be_kept_costs_no_candidate(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(state)

    def full(*_: object, **__: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(state.storage, "write", full)
    told = ordered(state, {"model_id": str(case.candidate), "passed": True})
    assert job_run.run(told, case.job) is Ending.PROMOTED


@pytest.mark.parametrize("passed", [True, False])
def test_what_a_person_promoted_meanwhile_stays_in_production(state: State, passed: bool) -> None:
    case = make_case(state, by_hand=True)  # an incident's job ends with its incident
    with state.sessions.begin() as session:
        promotion.promote(session, case.candidate, decided_by="a person")
    told = ordered(state, {"model_id": str(case.candidate), "passed": passed})
    assert job_run.run(told, case.job) is Ending.DECIDED
    with state.sessions() as session:
        assert session.get_one(Model, case.candidate).status == "production"
    assert job_of(state, case).state == "succeeded"


def test_training_that_takes_too_long_is_stopped(state: State) -> None:
    case = make_case(state)
    told = ordered(state, {"wait": 60, "passed": True}, timeout_seconds=0.2)
    assert job_run.run(told, case.job) is Ending.AGAIN
    assert "longer than its timeout" in str(job_of(state, case).error)


def test_a_stopping_worker_puts_the_job_back_without_counting(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(state)
    told = ordered(state, {"wait": 60, "passed": True})
    wait = subprocess.Popen.wait

    def stopping(process: "subprocess.Popen[str]", timeout: float | None = None) -> int:
        if timeout == told.settings.training.timeout_seconds:
            training.interrupt_all()
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", stopping)
    assert job_run.run(told, case.job) is Ending.INTERRUPTED
    job = job_of(state, case)
    assert (job.state, job.attempts, job.error) == ("queued", 0, "the worker was stopped")


def test_a_job_whose_workers_died_is_given_up(state: State) -> None:
    case = make_case(state)
    for _ in range(leases.MOST_ATTEMPTS):
        with state.sessions.begin() as session:
            assert leases.take(session, case.job) is not None
        expire(state, case)
    with state.sessions.begin() as session:
        assert leases.take(session, case.job) is None
        assert leases.give_up(session) == [case.job]
    assert job_of(state, case).state == "failed"


def test_a_lost_lease_stops_the_training(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(state)
    monkeypatch.setattr(leases, "LEASE", datetime.timedelta(seconds=0.15))
    told = ordered(state, {"wait": 60, "passed": True})
    renew = leases.renew

    def robbed(session: Session, lease: leases.Lease) -> bool:
        session.execute(update(RetrainJob).values(lease_token=RetrainJob.lease_token + 1))
        return renew(session, lease)

    monkeypatch.setattr(leases, "renew", robbed)
    assert job_run.run(told, case.job) is Ending.LEASE_LOST


def test_a_held_lease_keeps_others_out_and_an_expired_one_does_not(state: State) -> None:
    case = make_case(state)
    with state.sessions.begin() as session:
        first = leases.take(session, case.job)
    with state.sessions.begin() as session:
        assert leases.take(session, case.job) is None
    expire(state, case)
    with state.sessions.begin() as session:
        second = leases.take(session, case.job)
    assert first is not None
    assert second is not None
    assert second.token == first.token + 1


def test_a_worker_that_lost_its_lease_can_write_nothing(state: State) -> None:
    case = make_case(state)
    with state.sessions.begin() as session:
        stale = leases.take(session, case.job)
    assert stale is not None
    expire(state, case)
    told = ordered(state, {"fail": "second worker failed"})
    assert job_run.run(told, case.job) is Ending.AGAIN
    result = Result.model_validate(
        {"model_id": str(case.candidate), "gate": {"passed": True, "reason": ""}}
    )
    with state.sessions.begin() as session:
        assert not leases.renew(session, stale)
        ending = job_run.conclude(session, state.settings, stale, result)
    assert ending is Ending.LEASE_LOST
    with state.sessions() as session:
        assert session.get_one(Model, case.candidate).status == "candidate"
    assert job_of(state, case).state == "queued"


def test_jobs_that_nobody_runs_are_found(state: State) -> None:
    case = make_case(state)
    now = datetime.datetime.now(tz=datetime.UTC)
    with state.sessions.begin() as session:
        assert retrain_queue.waiting(session, now) == [case.job]
        leases.take(session, case.job)
    with state.sessions() as session:
        assert retrain_queue.waiting(session, now) == []
    expire(state, case)
    with state.sessions() as session:
        assert retrain_queue.waiting(session, now) == [case.job]


def expire(state: State, case: Case) -> None:
    past = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with state.sessions.begin() as session:
        session.execute(
            update(RetrainJob).where(RetrainJob.id == case.job).values(lease_until=past)
        )
