"""A model whose nights nobody judges is unwatched, and its certificate in doubt."""

from datetime import UTC, datetime, timedelta

import pytest
from factories.night import PERIOD, Served, make_night, make_served
from factories.report import make_report
from sqlalchemy.orm import Session

from mycovigil.db.encoder import Encoder
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents import monitoring
from mycovigil.models.registry import Production
from mycovigil.models.safety import CertificateStatus
from mycovigil.references.window import Window
from mycovigil.settings import DriftSettings

DRIFT = DriftSettings()


def days_ago(count: float) -> datetime:
    return datetime.now(tz=UTC).replace(microsecond=0) - timedelta(days=count)


def photos_since(session: Session, days: float) -> Served:
    served = make_served(session, rows=1, since=days_ago(days + 1))
    start = days_ago(days)
    make_night(session, served, Window(start, start + timedelta(hours=2)), rows=3)
    return served


@pytest.mark.parametrize(("days", "neglected"), [(1.5, False), (2.5, True)])
def test_photos_may_wait_for_two_nights(session: Session, days: float, neglected: bool) -> None:
    served = photos_since(session, days)
    told = monitoring.lapse(session, served.model.id, DRIFT)
    assert (told is not None) is neglected
    if told is not None:
        assert f"no night has been judged since {days_ago(days):%Y-%m-%d}" in told


@pytest.mark.parametrize(
    ("verdict", "judged"),
    [(ReportVerdict.CALM, True), (ReportVerdict.DRIFT, True), (ReportVerdict.FAILED, False)],
)
def test_only_a_night_that_was_judged_was_watched(
    session: Session, verdict: ReportVerdict, judged: bool
) -> None:
    served = photos_since(session, 3)
    end = days_ago(2.5)
    make_report(
        session, served.model, served.reference, verdict=verdict,
        window_start=end - PERIOD, window_end=end,
    )  # fmt: skip
    assert (monitoring.lapse(session, served.model.id, DRIFT) is None) is judged


def test_without_photos_nothing_waits_and_short_nights_are_given_an_hour(session: Session) -> None:
    served = make_served(session, rows=1, since=days_ago(9))
    assert monitoring.lapse(session, served.model.id, DRIFT) is None
    start = days_ago(0.02)
    make_night(session, served, Window(start, start + timedelta(minutes=5)), rows=3)
    assert monitoring.lapse(session, served.model.id, DriftSettings(period_seconds=8)) is None


def test_a_doubt_makes_a_certificate_suspect_and_never_better(session: Session) -> None:
    served = make_served(session, rows=1)
    model, encoder = served.model, session.get_one(Encoder, served.model.encoder_id)
    model.certificate_state, model.certificate_reason = CertificateStatus.VALID, "bounded"
    found = Production(model, encoder, doubt="nobody looks")
    assert (found.certificate_state, found.certificate_reason) == (
        CertificateStatus.SUSPECT, "bounded; nobody looks",
    )  # fmt: skip
    model.certificate_state = CertificateStatus.VOID
    assert found.certificate_state == CertificateStatus.VOID
    assert Production(model, encoder).certificate_reason == "bounded"
