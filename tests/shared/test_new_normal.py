"""A new normal is accepted, never assumed: which days nights are compared with after a drift."""

import datetime
import uuid
from dataclasses import dataclass

import numpy as np
import pytest
from factories.incident import make_incident
from factories.label import make_labels
from factories.model import make_model
from factories.night import PERIOD, Served, make_night, make_served, night_of
from factories.report import make_report
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.baselines import baseline as baselines
from mycovigil.baselines import geometries, sketches
from mycovigil.baselines.baseline import EntryRule, NotPossible
from mycovigil.db.alert import Incident
from mycovigil.db.audit import AuditLine
from mycovigil.db.base import new_id
from mycovigil.db.baseline import Baseline, BaselineReason
from mycovigil.db.prediction import Prediction
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil.incidents import incident
from mycovigil.models import promotion
from mycovigil.storage import Storage

ARRAYS = {"means": np.zeros(3)}


@dataclass(frozen=True)
class Drifted:
    """Five accepted nights, then a drift on night 5; every night to 8 is sketched."""

    served: Served
    incident: Incident
    before: Baseline

    @property
    def encoder_id(self) -> uuid.UUID:
        return self.served.model.encoder_id


@pytest.fixture
def drifted(session: Session, storage: Storage) -> Drifted:
    served = make_served(session, rows=1)
    encoder = served.model.encoder_id
    geometry = geometries.store(session, storage, encoder, served.reference.id, ARRAYS)
    for night in range(9):
        span = (night_of(night).start, night_of(night).end)
        units = 2 if night == 7 else 60
        sketches.store(session, geometry, None, span, rows=60, units=units, arrays=ARRAYS)
    first = [(night_of(n).start, night_of(n).end) for n in range(5)]
    before = baselines.begin(session, encoder, reason=BaselineReason.FIRST_DAYS, days=first)
    report = make_report(
        session, served.model, served.reference, night=5, verdict=ReportVerdict.DRIFT
    )
    return Drifted(served, make_incident(session, report), before)


def nights(session: Session, drifted: Drifted) -> list[int]:
    """Numbers of the nights that nights are compared with now."""
    current = baselines.current(session, drifted.encoder_id)
    assert current is not None
    return [
        (day.day_start - night_of(0).start) // PERIOD for day in baselines.days(session, current)
    ]


def test_an_acceptance_begins_with_the_days_of_the_incident(
    session: Session, drifted: Drifted
) -> None:
    incident.accept(session, drifted.incident, who="ada", reason="a club joined")
    assert nights(session, drifted) == [5, 6, 8], "night 7 has too few specimens"
    current = baselines.current(session, drifted.encoder_id)
    assert current is not None
    assert (current.reason, current.accepted_by, current.note, current.incident_id) == (
        "accepted", "ada", "a club joined", drifted.incident.id,
    )  # fmt: skip
    assert drifted.before.ended_at is not None
    assert len(baselines.days(session, drifted.before)) == 5, "the old baseline is kept"
    found = drifted.incident
    assert (found.state, found.ended_by) == ("resolved", "accepted")
    assert found.resolution == "new normal accepted by ada: a club joined"
    lines = session.scalars(select(AuditLine.action).where(AuditLine.who == "ada")).all()
    assert lines == ["began a baseline"]


def test_a_day_that_a_person_withdrew_is_no_part_of_the_new_normal(
    session: Session, drifted: Drifted
) -> None:
    """Of a week that alarmed some days had entered; a person had withdrawn one, the week the
    others."""
    late = [(night_of(n).start, night_of(n).end) for n in (5, 6)]
    baselines.enter(session, drifted.before, late, EntryRule.CALM, most=28)
    for (start, _), who in zip(late, ("ada", baselines.SYSTEM), strict=True):
        baselines.withdraw(session, drifted.before, start, who=who, reason="no day like others")
    incident.accept(session, drifted.incident, who="bob", reason="a club joined")
    assert nights(session, drifted) == [6, 8]


def test_an_accepted_normal_leaves_the_certificate_in_doubt_for_good(
    session: Session, drifted: Drifted
) -> None:
    incident.accept(session, drifted.incident, who="ada", reason="a club joined")
    model = drifted.served.model
    doubt = "a new normal was accepted, which calibration has not seen: a club joined"
    assert (model.certificate_state, model.certificate_reason) == ("suspect", doubt)
    report = make_report(
        session, model, drifted.served.reference, night=9, verdict=ReportVerdict.DRIFT
    )
    incident.resolve(session, make_incident(session, report), resolution="lens cleaned (ada)")
    assert model.certificate_state == "suspect"
    assert doubt in model.certificate_reason


def made_by(session: Session, drifted: Drifted, *, labels: int | None) -> RetrainJob:
    """A candidate that the incident's job made, promoted."""
    gate = {"against": str(drifted.served.model.id), "passed": True, "reason": "test"}
    candidate = make_model(session, metrics={"gate": gate}, encoder_id=drifted.encoder_id)
    job = RetrainJob(
        id=new_id(), incident_id=drifted.incident.id, requested_by="alert", state="succeeded",
        parameters={}, labels_needed=labels, model_id=candidate.id,
    )  # fmt: skip
    session.add(job)
    session.flush()
    promotion.promote(session, candidate.id, decided_by="retrain")
    return job


def test_a_model_that_learned_from_the_days_makes_them_normal(
    session: Session, drifted: Drifted
) -> None:
    made_by(session, drifted, labels=50)
    assert drifted.incident.ended_by == "model"
    assert nights(session, drifted) == [5, 6, 8]
    promotion.rollback(session, decided_by="ada", reason="it was worse")
    reopened = session.get_one(Incident, drifted.incident.id)
    assert (reopened.state, reopened.ended_by) == ("open", None)
    assert nights(session, drifted) == [0, 1, 2, 3, 4], "the drift is no normal any more"


def test_a_model_that_learned_from_no_label_changes_no_normal(
    session: Session, drifted: Drifted
) -> None:
    made_by(session, drifted, labels=None)
    assert (drifted.incident.state, drifted.incident.ended_by) == ("open", None)
    assert nights(session, drifted) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("labels", "ended_by"), [(3, "model"), (2, None)])
def test_a_model_that_a_person_asked_for_and_that_learned_from_the_days(
    session: Session, drifted: Drifted, labels: int, ended_by: str | None
) -> None:
    make_night(session, drifted.served, night_of(5), rows=9, label="edible")
    photos = session.scalars(select(Prediction.id).order_by(Prediction.created_at)).all()
    make_labels(session, photos[:labels])
    gate = {"against": str(drifted.served.model.id), "passed": True, "reason": "test"}
    candidate = make_model(session, metrics={"gate": gate}, encoder_id=drifted.encoder_id)
    began = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=5)
    waits, asked = (
        RetrainJob(id=new_id(), requested_by="ada", parameters={}, **values)
        for values in (
            {
                "incident_id": drifted.incident.id,
                "state": "waiting_for_labels",
                "labels_needed": 3,
                "dangerous_needed": 0,
            },
            {"state": "succeeded", "model_id": candidate.id, "started_at": began},
        )
    )
    session.add_all([waits, asked])
    session.flush()
    promotion.promote(session, candidate.id, decided_by="ada")
    assert drifted.incident.ended_by == ended_by
    assert nights(session, drifted) == ([5, 6, 8] if ended_by == "model" else [0, 1, 2, 3, 4])


@pytest.mark.parametrize("known", [2, 3])
def test_a_season_comes_back_with_three_accepted_days(
    session: Session, drifted: Drifted, known: int
) -> None:
    year = datetime.timedelta(days=365)
    past = [(night_of(n).start - year, night_of(n).end - year) for n in range(known)]
    baselines.begin(session, drifted.encoder_id, reason=BaselineReason.FIRST_DAYS, days=past)
    if known < baselines.LEAST_DAYS:
        with pytest.raises(NotPossible, match="fewer than 3 accepted days of earlier years"):
            incident.accept(session, drifted.incident, who="ada", reason="October", season=True)
        assert drifted.incident.state == "open"
        return
    incident.accept(session, drifted.incident, who="ada", reason="October", season=True)
    current = baselines.current(session, drifted.encoder_id)
    assert current is not None
    assert current.reason == "season"
    assert [(day.day_start, day.day_end) for day in baselines.days(session, current)] == past


def test_without_a_sketch_the_first_baseline_begins_with_the_next_night(session: Session) -> None:
    served = make_served(session, rows=1)
    report = make_report(session, served.model, served.reference, verdict=ReportVerdict.DRIFT)
    found = make_incident(session, report)
    incident.accept(session, found, who="ada", reason="a club joined")
    assert found.ended_by == "accepted"
    assert baselines.current(session, served.model.encoder_id) is None
