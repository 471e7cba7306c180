"""A retrain job with what it needs to be run."""

import dataclasses
import uuid

from factories.incident import make_incident
from factories.model import make_model
from factories.night import make_served
from factories.report import make_report

from mycovigil.db.base import new_id
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_worker.state import State


@dataclasses.dataclass(frozen=True)
class Case:
    """A drifted production model, a queued job (its own, or one that a person requested), and the
    candidate that training will name."""

    production: uuid.UUID
    candidate: uuid.UUID
    job: uuid.UUID


def make_case(state: State, *, passed: bool = True, by_hand: bool = False) -> Case:
    with state.sessions.begin() as session:
        served = make_served(session, rows=1)
        report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
        incident = make_incident(session, report)
        gate = {"against": str(served.model.id), "passed": passed, "reason": "as ordered"}
        candidate = make_model(session, metrics={"gate": gate})
        job = RetrainJob(
            id=new_id(),
            incident_id=None if by_hand else incident.id,
            requested_by="test",
            state="queued",
            parameters={},
            labels_needed=None if by_hand else 50,
        )
        session.add(job)
        return Case(served.model.id, candidate.id, job.id)


def job_of(state: State, case: Case) -> RetrainJob:
    with state.sessions() as session:
        return session.get_one(RetrainJob, case.job)
