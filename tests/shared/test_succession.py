"""What becomes of an open drift, its proof and its retrain when another model goes live."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories.incident import make_incident
from factories.model import make_model
from factories.report import make_reference_set, make_report
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.alert import Alert, IncidentState
from mycovigil.db.audit import AuditLine
from mycovigil.db.base import new_id
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import JobState, RetrainJob
from mycovigil.incidents import certificate, incident
from mycovigil.models import promotion


def gate(against: Model, *, passed: bool) -> dict[str, Any]:
    return {"gate": {"against": str(against.id), "passed": passed, "reason": "more deadly misses"}}


class Drifted:
    """A production model whose night drifted, and a candidate that passed against it."""

    def __init__(self, session: Session, *, harmful: bool = False) -> None:
        self.session = session
        self.old = make_model(session, status=ModelStatus.PRODUCTION)
        reference = make_reference_set(session, self.old)
        self.report = make_report(session, self.old, reference, verdict=ReportVerdict.DRIFT)
        self.incident = make_incident(session, self.report, harmful=harmful)
        self.new = make_model(session, metrics=gate(self.old, passed=True))
        self.calm = [make_report(session, self.old, reference, night=night) for night in (1, 2)]

    def job(self, state: JobState, made: Model | None = None) -> None:
        """The incident's retrain, which had waited for labels."""
        until = datetime.now(tz=UTC) + timedelta(hours=1) if state is JobState.RUNNING else None
        job = RetrainJob(
            id=new_id(), incident_id=self.incident.id, requested_by="alert", state=state,
            parameters={}, labels_needed=50, dangerous_needed=10, lease_until=until,
            model_id=made.id if made else None,
        )  # fmt: skip
        self.session.add(job)
        self.session.flush()

    def taught(self) -> "Drifted":
        self.job(JobState.SUCCEEDED, self.new)
        return self

    def promoted(self) -> "Drifted":
        promotion.promote(self.session, self.new.id, decided_by="test")
        return self

    def rolled_back(self) -> "Drifted":
        promotion.rollback(self.session, decided_by="test", reason="worse at dusk")
        return self

    def alerts(self) -> list[str]:
        return list(self.session.scalars(select(Alert.kind).order_by(Alert.created_at, Alert.id)))


def test_a_model_that_learned_from_the_days_ends_the_incident(session: Session) -> None:
    drifted = Drifted(session).taught().promoted()
    assert drifted.incident.state == IncidentState.RESOLVED
    assert drifted.incident.resolution == f"model {drifted.new.version} promoted"
    assert drifted.alerts() == ["opened", "resolved"]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_model_that_learned_nothing_from_the_days_takes_over_their_drift(
    session: Session, acknowledged: bool
) -> None:
    """Promoted by hand, or made by a plain retrain: nobody is alerted anew, and the drift goes on
    with its days, its doubts and its retrain."""
    drifted = Drifted(session)
    if acknowledged:
        incident.acknowledge(drifted.incident, who="ada")
    drifted.job(JobState.RUNNING)
    drifted.promoted()
    found = drifted.incident
    assert found.state == (IncidentState.ACKNOWLEDGED if acknowledged else IncidentState.OPEN)
    assert (found.model_id, found.ended_by) == (drifted.new.id, None)
    assert drifted.alerts() == ["opened"]
    assert (drifted.old.certificate_state, drifted.new.certificate_state) == ("suspect", "suspect")
    assert "did not learn from: novel_species" in drifted.new.certificate_reason
    line = session.scalars(select(AuditLine).where(AuditLine.subject_id == found.id)).one()
    assert (line.action, f"model {drifted.new.version} took" in line.detail) == ("goes on", True)
    job = session.scalars(select(RetrainJob)).one()
    session.refresh(job)
    assert (job.state, job.lease_until, job.finished_at) == ("waiting_for_labels", None, None)
    night = make_report(
        session, drifted.new, make_reference_set(session, drifted.new), night=3,
        verdict=ReportVerdict.DRIFT,
    )  # fmt: skip
    assert incident.respond(session, night) is None
    incident.resolve(session, found, resolution="lens cleaned (somebody)")
    assert drifted.new.certificate_state == "valid"


def test_a_candidate_that_nobody_promoted_is_trained_anew_for_the_model_that_went_live(
    session: Session,
) -> None:
    drifted = Drifted(session)
    other = make_model(session, metrics=gate(drifted.old, passed=True))
    drifted.job(JobState.SUCCEEDED, other)
    drifted.promoted()
    job = session.scalars(select(RetrainJob)).one()
    session.refresh(job)
    assert (job.state, drifted.incident.state) == ("waiting_for_labels", "open")


def test_harm_that_labels_alone_showed_ends_with_the_model_that_they_refuted(
    session: Session,
) -> None:
    old = make_model(session, status=ModelStatus.PRODUCTION)
    report = make_report(session, old, make_reference_set(session, old))
    incident.confirm_harm(session, report, found="12 of 14")
    new = make_model(session, metrics=gate(old, passed=True))
    promotion.promote(session, new.id, decided_by="test")
    assert incident.unresolved(session, new.id) is None
    assert (old.certificate_state, new.certificate_state) == ("void", "valid")


@pytest.mark.parametrize("harmful", [False, True])
def test_a_model_comes_back_with_the_doubt_it_left_with(session: Session, harmful: bool) -> None:
    drifted = Drifted(session, harmful=harmful).promoted()
    assert drifted.old.certificate_state == "suspect"
    drifted.rolled_back()
    assert (drifted.old.status, drifted.old.certificate_state) == ("production", "suspect")
    assert incident.unresolved(session, drifted.old.id) is drifted.incident
    assert drifted.alerts() == ["opened"], "it was never over"
    assert [incident.respond(session, night) for night in drifted.calm] == [None, None]
    incident.resolve(session, drifted.incident, resolution="lens cleaned (somebody)")
    assert drifted.old.certificate_state == "valid"


def test_a_rollback_reopens_the_incident_that_ended_with_the_model_it_takes_away(
    session: Session,
) -> None:
    drifted = Drifted(session).taught().promoted()
    drifted.rolled_back()
    assert incident.unresolved(session, drifted.old.id) is drifted.incident
    assert drifted.alerts() == ["opened", "resolved", "opened"]


def test_a_drift_goes_on_where_production_is_rolled_back(session: Session) -> None:
    first = make_model(session, status=ModelStatus.PRODUCTION)
    second = make_model(session, metrics=gate(first, passed=True))
    promotion.promote(session, second.id, decided_by="test")
    reference = make_reference_set(session, second)
    night = make_report(session, second, reference, verdict=ReportVerdict.DRIFT)
    standing = make_incident(session, night)
    promotion.rollback(session, decided_by="test", reason="worse at dusk")
    assert incident.unresolved(session, first.id) is standing
    assert (first.certificate_state, second.certificate_state) == ("suspect", "suspect")


def test_a_rollback_ends_the_incident_of_the_model_it_takes_away(session: Session) -> None:
    drifted = Drifted(session).taught().promoted()
    reference = make_reference_set(session, drifted.new)
    night = make_report(session, drifted.new, reference, verdict=ReportVerdict.DRIFT)
    standing = make_incident(session, night)
    drifted.rolled_back()
    assert standing.resolution == f"rolled back to model {drifted.old.version}"
    assert drifted.new.certificate_state == "suspect"


def test_what_labels_prove_of_an_archived_model_waits_for_its_rollback(session: Session) -> None:
    first = make_model(session, status=ModelStatus.PRODUCTION)
    report = make_report(session, first, make_reference_set(session, first))
    second = make_model(session, metrics=gate(first, passed=True))
    promotion.promote(session, second.id, decided_by="test")
    assert incident.confirm_harm(session, report, found="12 of 14") is None
    assert (first.certificate_state, incident.unresolved(session, first.id)) == ("void", None)
    promotion.rollback(session, decided_by="test", reason="worse at dusk")
    standing = incident.unresolved(session, first.id)
    assert standing is not None
    assert (standing.proof, standing.severity) == ("12 of 14", "critical")
    assert first.certificate_state == "void"


def test_what_labels_proved_of_a_model_stays_with_it_when_another_takes_over_its_drift(
    session: Session,
) -> None:
    """Under the new model the drift may end by calm; the old one comes back with its proof."""
    drifted = Drifted(session)
    incident.confirm_harm(session, drifted.report, found="12 of 14")
    drifted.promoted()
    assert (drifted.incident.model_id, drifted.incident.proof) == (drifted.new.id, None)
    drifted.rolled_back()
    assert incident.unresolved(session, drifted.old.id) is drifted.incident
    assert (drifted.incident.proof, drifted.incident.severity) == ("12 of 14", "critical")
    incident.resolve(session, drifted.incident, resolution="lens cleaned (somebody)")
    assert drifted.old.certificate_state == "void"


def test_a_drift_that_a_refuted_model_takes_over_escalates(session: Session) -> None:
    drifted = Drifted(session)
    drifted.incident.severity = "warning"
    drifted.promoted()
    incident.confirm_harm(session, drifted.report, found="12 of 14")
    assert drifted.alerts() == ["opened"]
    drifted.rolled_back()
    assert (drifted.incident.proof, drifted.incident.severity) == ("12 of 14", "critical")
    assert drifted.alerts() == ["opened", "escalated"]


def test_an_incident_that_a_rollback_reopens_leaves_no_certificate_valid(session: Session) -> None:
    drifted = Drifted(session).taught().promoted()
    certificate.doubt_by_labels(session, drifted.old, "4 of 5 were missed", calm=True)
    certificate.doubt_by_labels(session, drifted.old, None, calm=True)
    drifted.rolled_back()
    assert (drifted.incident.state, drifted.old.certificate_state) == ("open", "suspect")


@pytest.mark.parametrize("accepted", [False, True])
def test_a_model_comes_back_without_doubt_once_the_drift_that_it_handed_over_is_over(
    session: Session, accepted: bool
) -> None:
    """An accepted new normal is one that its calibration has not seen, either."""
    drifted = Drifted(session).promoted()
    if accepted:
        incident.accept(session, drifted.incident, who="ada", reason="a club joined")
    else:
        incident.resolve(session, drifted.incident, resolution="lens cleaned (somebody)")
    drifted.rolled_back()
    assert drifted.incident.state == IncidentState.RESOLVED
    assert drifted.old.certificate_state == ("suspect" if accepted else "valid")


def test_a_person_is_asked_for_labels_again_after_another_wait(session: Session) -> None:
    drifted = Drifted(session)
    drifted.job(JobState.WAITING_FOR_LABELS)
    job = session.scalars(select(RetrainJob)).one()
    job.asked_at = datetime.now(tz=UTC)
    drifted.promoted()
    asked = session.execute(select(RetrainJob.state, RetrainJob.asked_at)).one()
    assert asked == ("waiting_for_labels", None)
