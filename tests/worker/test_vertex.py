"""Trainings on Vertex AI: one job each, followed to its end by whichever worker has the lease."""

import dataclasses
import datetime
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.retrain_case import Case, job_of, make_case
from factories.vertex_server import VertexServer, vertex_server
from sqlalchemy import select, update

from mycovigil import vertex_job
from mycovigil.db.model import Model
from mycovigil.db.retrain import RetrainJob
from mycovigil.incidents import retraining
from mycovigil.settings import Settings, TrainingSettings, VertexSettings
from mycovigil_worker.app import app
from mycovigil_worker.retrain import job_run, retrain_queue, training
from mycovigil_worker.retrain import lease as leases
from mycovigil_worker.retrain.job_run import Ending
from mycovigil_worker.retrain.vertex import abandoned, job_spec
from mycovigil_worker.retrain.vertex.job_spec import Key
from mycovigil_worker.retrain.vertex.refusal import Away, refusal
from mycovigil_worker.retrain.vertex.vertex_training import VertexTraining
from mycovigil_worker.state import State

GOLDEN = Path(__file__).parent / "vertex_job.json"
ACCOUNT = "mycovigil-trainer@a-project.iam.gserviceaccount.com"
IMAGE = "europe-west1-docker.pkg.dev/a-project/mycovigil/trainer@sha256:" + "0" * 64


@pytest.fixture
def vertex() -> Iterator[VertexServer]:
    with vertex_server() as server:
        yield server


@pytest.fixture
def away(state: State, vertex: VertexServer) -> State:
    """The worker's state, with trainings at the fake."""
    settings = state.settings.model_copy(
        update={
            "training": TrainingSettings(launcher="vertex"),
            "vertex": VertexSettings(
                project="a-project",
                image=IMAGE,
                service_account=ACCOUNT,
                endpoint=vertex.address,
                poll_seconds=0.01,
            ),
        }
    )
    return dataclasses.replace(state, settings=settings)


def succeed(state: State, case: Case, *, passed: bool = True) -> Any:
    """Let the job run at the next request, and succeed at the one after."""

    def before(server: VertexServer) -> None:
        for job in server.jobs.values():
            if job["state"] == "JOB_STATE_RUNNING":
                gate = {"passed": passed, "reason": "as ordered"}
                left = {"model_id": str(case.candidate), "gate": gate}
                arguments = job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"]
                state.storage.write(arguments[-1], json.dumps(left).encode())
                server.end(job, "SUCCEEDED")
            elif job["state"] == "JOB_STATE_PENDING":
                server.end(job, "RUNNING")

    return before


def test_the_job_that_vertex_is_sent(settings: Settings) -> None:
    described = settings.model_copy(
        update={
            "training": TrainingSettings(launcher="vertex", timeout_seconds=7_200),
            "vertex": VertexSettings(
                project="a-project",
                image=IMAGE,
                service_account=ACCOUNT,
                network_attachment="projects/a-project/regions/europe-west1/networkAttachments/t",
                staging="gs://a-project-staging",
                database_file="/gcs/a-project-staging/database-url",
                environment={"MYCOVIGIL_TRAINING_DATASET": "/gcs/a-project-assets/dataset"},
            ),
        }
    )
    key = Key(uuid.UUID(int=1), uuid.UUID(int=2), training=3, attempt=1)
    worker = {
        "MYCOVIGIL_DATABASE_URL": "postgresql://owner:hidden@db/mycovigil",
        "MYCOVIGIL_REDIS_URL": "redis://valkey/0",
        "MYCOVIGIL_STORAGE_URL": "gs://a-project-storage",
        "MYCOVIGIL_TRAINING_DATASET": "/assets/dataset",
        "MYCOVIGIL_PREDICTOR_PORT": "8000",
        "PGPASSWORD": "hidden",
    }
    body = job_spec.custom_job(described, key, worker)
    assert body == json.loads(GOLDEN.read_text())
    assert "hidden" not in json.dumps(body)


def test_a_training_is_followed_to_its_end(away: State, vertex: VertexServer) -> None:
    case = make_case(away)
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert vertex.requests[:3] == [
        "GET customJobs",  # listed before it is made
        "POST customJobs",
        "GET customJobs",
    ]
    job = job_of(away, case)
    name = vertex.only()["name"]
    assert (job.state, job.remote_job, job.remote_open) == ("succeeded", name, False)
    assert (job.model_id, job.attempts, job.trainings) == (case.candidate, 1, 1)
    assert vertex.only()["labels"] == {
        "mycovigil_job": str(case.job),
        "mycovigil_incident": str(job.incident_id),
        "mycovigil_training": "0",
        "mycovigil_attempt": "1",
    }
    log = away.storage.read(f"retrain/{case.job}/1.log").decode()
    links = vertex_job.links(name)
    assert links is not None
    assert links.logs in log
    assert "JOB_STATE_SUCCEEDED" in log


def test_a_worker_that_is_killed_costs_no_second_job(away: State, vertex: VertexServer) -> None:
    case = make_case(away)
    vertex_dies(away, case)
    expire(away, case)
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert len(vertex.jobs) == 1
    assert job_of(away, case).attempts == 1  # of the training, not of its followers


def vertex_dies(away: State, case: Case) -> None:
    """The worker dies after it created the job, before it could write that down."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VertexTraining, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            job_run.run(away, case.job)


def test_a_stopping_worker_leaves_the_training_to_the_next(
    away: State, vertex: VertexServer
) -> None:
    case = make_case(away)

    def stopping(server: VertexServer) -> None:
        if server.jobs:
            training.interrupt_all()

    vertex.before = stopping
    assert job_run.run(away, case.job) is Ending.INTERRUPTED
    assert (job_of(away, case).state, job_of(away, case).attempts) == ("queued", 0)
    assert vertex.only()["state"] == "JOB_STATE_PENDING"
    assert abandoned.cancel(away) == []  # a queued job is followed again
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert (len(vertex.jobs), job_of(away, case).attempts) == (1, 1)


def test_workers_may_die_more_often_than_trainings_may_fail(
    away: State, vertex: VertexServer
) -> None:
    case = make_case(away)
    for _ in range(leases.MOST_ATTEMPTS + 2):
        vertex_dies(away, case)
        expire(away, case)
        with away.sessions.begin() as session:
            assert leases.give_up(session) == []
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert len(vertex.jobs) == 1


def test_an_answer_that_is_lost_makes_no_second_job(away: State, vertex: VertexServer) -> None:
    case = make_case(away)
    vertex.lose_answer = True
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert len(vertex.jobs) == 1


def test_of_two_jobs_of_one_training_the_younger_is_cancelled(
    away: State, vertex: VertexServer
) -> None:
    """A worker that lost its lease between listing and creating made the other."""
    case = make_case(away)
    twin: list[str] = []

    def before(server: VertexServer) -> None:
        if len(server.jobs) == 1 and not twin:
            body = {key: server.only()[key] for key in ("labels", "jobSpec")}
            twin.append(server.create(body)["name"])
        elif twin and server.jobs[twin[0]]["state"] == "JOB_STATE_CANCELLED":
            succeed(away, case)(server)

    vertex.before = before
    vertex.page = 1
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert [job["state"] for job in vertex.jobs.values()] == [
        "JOB_STATE_SUCCEEDED",
        "JOB_STATE_CANCELLED",
    ]


def test_a_failed_training_is_tried_again_as_another(away: State, vertex: VertexServer) -> None:
    case = make_case(away)

    def fails(server: VertexServer) -> None:
        for job in server.jobs.values():
            if job["state"] == "JOB_STATE_PENDING":
                server.end(job, "FAILED", "The replica exited with a\nnon-zero status of 1.")

    vertex.before = fails
    endings = [job_run.run(away, case.job) for _ in range(4)]
    assert endings == [Ending.AGAIN, Ending.AGAIN, Ending.FAILED, Ending.NOT_MINE]
    labels = [job["labels"] for job in vertex.jobs.values()]
    assert [one["mycovigil_training"] for one in labels] == ["0", "1", "2"]
    assert str(job_of(away, case).error).endswith("The replica exited with a non-zero status of 1.")


def test_the_reason_that_a_training_left_comes_first(away: State, vertex: VertexServer) -> None:
    case = make_case(away)

    def fails(server: VertexServer) -> None:
        if server.jobs and server.only()["state"] == "JOB_STATE_PENDING":
            key = f"retrain/{case.job}/training-0.json"
            away.storage.write(key, json.dumps({"error": "no photos"}).encode())
            server.end(server.only(), "FAILED", "status 1")

    vertex.before = fails
    assert job_run.run(away, case.job) is Ending.AGAIN
    assert job_of(away, case).error == "training ended with code 1: no photos"


def test_a_job_that_is_cancelled_here_is_cancelled_there(
    away: State, vertex: VertexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(away)
    monkeypatch.setattr(leases, "LEASE", datetime.timedelta(seconds=0.15))

    def cancelled(server: VertexServer) -> None:
        if server.jobs and job_of(away, case).remote_job:
            with away.sessions.begin() as session:
                retraining.cancel_job(session, case.job)

    vertex.before = cancelled
    assert job_run.run(away, case.job) is Ending.LEASE_LOST
    assert vertex.only()["state"] == "JOB_STATE_CANCELLED"
    assert job_of(away, case).state == "cancelled"


def test_a_job_that_nobody_followed_when_it_was_cancelled(
    away: State, vertex: VertexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(away)
    sent: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, **_: sent.append(name))
    vertex_dies(away, case)
    with away.sessions.begin() as session:
        assert retraining.cancel_job(session, case.job)
    assert retrain_queue.send_abandoned(away)
    assert sent == ["mycovigil_worker.cancel_abandoned"]
    assert abandoned.cancel(away) == [vertex.only()["name"]]
    assert abandoned.cancel(away) == []
    assert job_of(away, case).remote_open  # a late job may still arrive
    hour_ago = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(hours=1)
    with away.sessions.begin() as session:
        session.execute(update(RetrainJob).values(finished_at=hour_ago))
    abandoned.cancel(away)
    assert not job_of(away, case).remote_open
    assert not retrain_queue.send_abandoned(away)


def test_a_vertex_that_is_away_is_asked_again(away: State, vertex: VertexServer) -> None:
    case = make_case(away)
    exhausted = {"error": {"message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}
    vertex.refuse = [(503, {}), (200, {}), (429, exhausted)]
    vertex.before = succeed(away, case)
    assert job_run.run(away, case.job) is Ending.PROMOTED
    assert len(vertex.jobs) == 1


DENIED = {"message": "Permission 'aiplatform.customJobs.list' denied on resource"}
ACT_AS = {"message": f"You do not have permission to act as service account {ACCOUNT} (actAs)"}
DISABLED = {"message": "API has not been used", "details": [{"reason": "SERVICE_DISABLED"}]}


@pytest.mark.parametrize(
    ("status", "error", "command"),
    [
        (403, DENIED, "gcloud projects add-iam-policy-binding a-project --member=serviceAccount:"),
        (403, ACT_AS, f"gcloud iam service-accounts add-iam-policy-binding {ACCOUNT} --project="),
        (403, DISABLED, "gcloud services enable aiplatform.googleapis.com --project=a-project"),
        (404, {"message": "Not found"}, "gcloud projects describe a-project"),
        (401, {"message": "expired"}, "gcloud auth application-default login"),
    ],
)
def test_what_is_missing_is_one_line_with_its_command(
    away: State, vertex: VertexServer, status: int, error: dict[str, Any], command: str
) -> None:
    case = make_case(away)
    vertex.refuse = [(status, {"error": error})]
    assert job_run.run(away, case.job) is Ending.AGAIN
    reason = str(job_of(away, case).error)
    assert command in reason
    assert "\n" not in reason


def test_a_bad_request_names_no_command(away: State) -> None:
    said = refusal(away.settings.vertex, 400, {"error": {"message": "bad machine type"}})
    assert str(said) == "Vertex AI answers 400: bad machine type"
    assert isinstance(refusal(away.settings.vertex, 503, {}), Away)


def test_a_job_without_a_machine_is_given_up(away: State, vertex: VertexServer) -> None:
    case = make_case(away)

    def old(server: VertexServer) -> None:
        for job in server.jobs.values():
            job["createTime"] = "2026-01-01T00:00:00Z"

    vertex.before = old
    assert job_run.run(away, case.job) is Ending.AGAIN
    assert "had not ended the training after 12.0 hours" in str(job_of(away, case).error)
    assert vertex.only()["state"] == "JOB_STATE_CANCELLED"


def test_vertex_needs_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_TRAINING_LAUNCHER", "vertex")
    monkeypatch.setenv("MYCOVIGIL_VERTEX_IMAGE", IMAGE)
    with pytest.raises(ValueError, match="VERTEX_PROJECT, MYCOVIGIL_VERTEX_SERVICE_ACCOUNT"):
        Settings.load()


def test_a_promoted_candidate_is_the_one_that_was_named(away: State, vertex: VertexServer) -> None:
    case = make_case(away, passed=False)
    vertex.before = succeed(away, case, passed=False)
    assert job_run.run(away, case.job) is Ending.REFUSED
    with away.sessions() as session:
        assert session.scalar(select(Model.status).where(Model.id == case.candidate)) == "rejected"


def expire(state: State, case: Case) -> None:
    past = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with state.sessions.begin() as session:
        session.execute(
            update(RetrainJob).where(RetrainJob.id == case.job).values(lease_until=past)
        )
