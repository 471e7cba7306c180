"""A drift pages once, once more if it becomes worse, and no single verdict ends it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from factories.model import make_model
from factories.report import make_reference_set, make_report
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mycovigil.db.alert import (
    Alert,
    AlertKind,
    Incident,
    IncidentKind,
    IncidentState,
    Severity,
    Silence,
)
from mycovigil.db.base import new_id
from mycovigil.db.message import OutboxMessage
from mycovigil.db.model import Model, ModelStatus
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.events.event import EventType, schema_of
from mycovigil.incidents import alert, alert_rules, incident
from mycovigil.incidents.alert_rules import Finding
from mycovigil.models.safety import CertificateStatus
from mycovigil.postgres.engine import sessions_of

FOUND = "12 of 14 deadly photos were missed"
DRIFT, CALM = ReportVerdict.DRIFT, ReportVerdict.CALM


class Nights:
    """Reports night after night for one model."""

    def __init__(
        self, session: Session, state: CertificateStatus = CertificateStatus.VALID
    ) -> None:
        self.session = session
        self.model: Model = make_model(session, status=ModelStatus.PRODUCTION, state=state)
        self.reference = make_reference_set(session, self.model)
        self.count = 0

    def report(self, verdict: ReportVerdict, **values: Any) -> DriftReport:
        report = make_report(
            self.session, self.model, self.reference, night=self.count, verdict=verdict, **values
        )
        self.count += 1
        return report

    def pass_(
        self,
        verdict: ReportVerdict,
        *,
        harmful: bool = False,
        confined_to: str | None = None,
        **values: Any,
    ) -> Alert | None:
        report = self.report(verdict, **values)
        return incident.respond(self.session, report, harmful=harmful, confined_to=confined_to)

    def labelled(self, report: DriftReport) -> Alert | None:
        return incident.confirm_harm(self.session, report, found=FOUND)

    @property
    def unresolved(self) -> Incident | None:
        return incident.unresolved(self.session, self.model.id)


def kinds(alerts: list[Alert | None]) -> list[str | None]:
    return [alert.kind if alert else None for alert in alerts]


def test_one_page_while_it_lasts_and_calm_nights_do_not_end_it(session: Session) -> None:
    """A drift of seven nights in ten has two calm nights in a row within weeks."""
    nights = Nights(session)
    verdicts = [CALM, DRIFT, DRIFT, CALM, DRIFT, CALM, CALM, CALM]
    alerts = [nights.pass_(verdict, cause="camera_or_light") for verdict in verdicts]
    assert kinds(alerts) == [None, "opened", *[None] * 6]
    found = nights.unresolved
    assert found is not None
    assert (found.state, found.ended_by) == (IncidentState.OPEN, None)
    assert nights.model.certificate_state == CertificateStatus.SUSPECT


@pytest.mark.parametrize("periods", [7, 30])
def test_calm_windows_do_not_end_it_either(session: Session, periods: int) -> None:
    nights = Nights(session)
    week: dict[str, Any] = {"periods": periods}
    assert kinds([nights.pass_(CALM, **week), nights.pass_(DRIFT)]) == [None, "opened"]
    assert kinds([nights.pass_(CALM, **week) for _ in range(3)]) == [None] * 3
    assert nights.model.certificate_state == CertificateStatus.SUSPECT


def test_a_worse_cause_escalates_once(session: Session) -> None:
    nights = Nights(session)
    causes = ["camera_or_light", "novel_species", "novel_species"]
    alerts = [nights.pass_(DRIFT, cause=cause) for cause in causes]
    assert kinds(alerts) == ["opened", "escalated", None]
    assert alerts[1] is not None
    assert alerts[1].severity == Severity.CRITICAL


@pytest.mark.parametrize("harmful", [False, True])
def test_the_certificate_follows_and_returns(session: Session, harmful: bool) -> None:
    nights = Nights(session)
    nights.pass_(DRIFT, harmful=harmful)
    assert nights.model.certificate_state == CertificateStatus.SUSPECT
    found = nights.unresolved
    assert found is not None
    incident.resolve(session, found, resolution="lens cleaned (somebody)")
    assert nights.model.certificate_state == CertificateStatus.VALID
    assert (found.state, found.ended_by) == (IncidentState.RESOLVED, "person")


def test_the_end_of_a_skew_lifts_no_doubt_of_a_drift(session: Session) -> None:
    nights = Nights(session)
    nights.pass_(DRIFT)
    skewed = nights.unresolved
    assert skewed is not None
    skewed.kind = IncidentKind.SKEW
    session.flush()
    nights.pass_(DRIFT)
    incident.resolve(session, skewed, resolution="known (somebody)")
    assert nights.model.certificate_state == CertificateStatus.SUSPECT


def test_one_clients_refused_photos_doubt_nothing_until_others_drift(session: Session) -> None:
    nights = Nights(session)
    cats: dict[str, Any] = {"cause": "novel_species", "confined_to": "cats"}
    alerts = [nights.pass_(DRIFT, **cats), nights.pass_(DRIFT, **cats)]
    assert kinds(alerts) == ["opened", None]
    assert alerts[0] is not None
    assert alerts[0].severity == Severity.WARNING
    assert nights.model.certificate_state == CertificateStatus.VALID
    assert nights.pass_(DRIFT, cause="camera_or_light") is None
    assert nights.model.certificate_state == CertificateStatus.SUSPECT


def test_estimated_harm_makes_suspect_whoever_sent_it_and_only_labels_void(
    session: Session,
) -> None:
    nights = Nights(session)
    alert = nights.pass_(DRIFT, harmful=True, confined_to="cats")
    assert nights.model.certificate_state == CertificateStatus.SUSPECT
    assert alert is not None
    assert alert.severity == Severity.CRITICAL


def test_what_was_never_certified_does_not_become_suspect(session: Session) -> None:
    nights = Nights(session, CertificateStatus.NOT_CERTIFIABLE)
    nights.pass_(DRIFT)
    assert nights.model.certificate_state == CertificateStatus.NOT_CERTIFIABLE


def test_neither_calm_nights_nor_a_person_can_refute_labels(session: Session) -> None:
    nights = Nights(session)
    night = nights.report(DRIFT, cause="camera_or_light")
    incident.respond(session, night)
    assert kinds([nights.labelled(night), nights.labelled(night)]) == ["escalated", None]
    assert kinds([nights.pass_(CALM) for _ in range(5)]) == [None] * 5
    assert nights.model.certificate_state == CertificateStatus.VOID
    assert nights.model.certificate_reason == FOUND
    found = nights.unresolved
    assert found is not None
    assert (found.state, found.proof) == (IncidentState.OPEN, FOUND)
    incident.resolve(session, found, resolution="the lens was cleaned (somebody)")
    assert nights.model.certificate_state == CertificateStatus.VOID
    assert nights.model.certificate_reason == FOUND


def test_what_an_estimate_alone_made_void_in_release_0_1_is_restored(session: Session) -> None:
    nights = Nights(session)
    nights.pass_(DRIFT, harmful=True)
    nights.model.certificate_state = CertificateStatus.VOID
    found = nights.unresolved
    assert found is not None
    incident.resolve(session, found, resolution="the lens was cleaned (somebody)")
    assert nights.model.certificate_state == CertificateStatus.VALID


def test_labels_that_prove_harm_open_an_incident_of_their_own(session: Session) -> None:
    nights = Nights(session)
    night = nights.report(CALM)
    assert incident.respond(session, night) is None
    alert = nights.labelled(night)
    assert alert is not None
    assert (alert.kind, alert.severity) == (AlertKind.OPENED, Severity.CRITICAL)
    message = session.get_one(OutboxMessage, alert.event_id)
    jsonschema.validate(message.event["data"], json.loads(schema_of(EventType.ALERT_OPENED)))
    assert nights.model.certificate_state == CertificateStatus.VOID
    assert nights.unresolved is not None
    assert nights.unresolved.cause == incident.MISSED_DEADLY


def test_a_milder_night_lifts_no_doubt_and_no_proof_is_forgotten_for_it(session: Session) -> None:
    nights = Nights(session)
    night = nights.report(CALM)
    nights.labelled(night)
    nights.pass_(DRIFT, cause="camera_or_light")
    nights.pass_(DRIFT, harmful=True)
    assert nights.model.certificate_state == CertificateStatus.VOID
    assert nights.model.certificate_reason == FOUND


@pytest.fixture
def silence(session: Session) -> Silence:
    now = datetime.now(tz=UTC)
    made = Silence(
        id=new_id(),
        model_id=None,
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
        reason="maintenance",
        created_by="test",
    )
    session.add(made)
    session.flush()
    return made


def end(silence: Silence) -> None:
    silence.ends_at = datetime.now(tz=UTC)


def told(session: Session) -> list[str]:
    messages = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [message.event["data"]["kind"] for message in messages]


def test_a_silence_holds_the_event_back_until_it_is_over(
    session: Session, silence: Silence
) -> None:
    nights = Nights(session)
    opened = nights.pass_(DRIFT)
    assert opened is not None
    assert (opened.event_id, opened.silence_id) == (None, silence.id)
    assert alert.release(session) == []
    end(silence)
    assert alert.release(session) == [opened]
    assert alert.release(session) == []
    assert told(session) == ["opened"]


def test_after_a_silence_the_newest_word_on_an_incident_is_told(
    session: Session, silence: Silence
) -> None:
    nights = Nights(session)
    nights.pass_(DRIFT, cause="camera_or_light")
    nights.pass_(DRIFT, cause="novel_species")
    end(silence)
    alert.release(session)
    assert told(session) == ["escalated"]


@pytest.mark.parametrize("heard", [True, False])
def test_an_end_in_a_silence_is_told_to_those_who_heard_of_the_beginning(
    session: Session, silence: Silence, heard: bool
) -> None:
    later = silence.starts_at
    silence.starts_at = silence.ends_at if heard else later
    nights = Nights(session)
    nights.pass_(DRIFT)
    silence.starts_at = later
    session.flush()
    found = nights.unresolved
    assert found is not None
    incident.resolve(session, found, resolution="lens cleaned (somebody)")
    end(silence)
    alert.release(session)
    assert told(session) == (["opened", "resolved"] if heard else [])


def test_the_event_keeps_its_schema(session: Session) -> None:
    alert = Nights(session).pass_(DRIFT)
    assert alert is not None
    message = session.get_one(OutboxMessage, alert.event_id)
    schema = json.loads(schema_of(EventType(message.event["type"])))
    jsonschema.validate(message.event["data"], schema)


@pytest.mark.parametrize("verdict", [v for v in ReportVerdict if v is not DRIFT])
def test_only_drift_asks_for_an_alert(verdict: ReportVerdict) -> None:
    finding = Finding(verdict, "unknown", harmful=True)
    assert [alert_rules.decide(finding, found) for found in (None, *Severity)] == [None] * 3


def test_harm_is_confirmed_of_the_model_as_it_is_now(engine: Engine, clean_database: str) -> None:
    """While labels were read a person answered the drift, and then another model went live."""
    sessions = sessions_of(engine)
    with sessions.begin() as session:
        nights = Nights(session)
        report = nights.report(DRIFT)
        served = nights.model.id
    with sessions() as reading:
        loaded = reading.get_one(Model, served)
        assert loaded.status == ModelStatus.PRODUCTION
        with sessions.begin() as session:
            session.get_one(Model, served).status = ModelStatus.ARCHIVED
        assert incident.confirm_harm(reading, report, found=FOUND) is None
        assert loaded.certificate_state == CertificateStatus.VOID
        assert incident.unresolved(reading, served) is None
