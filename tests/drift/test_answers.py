"""The banner and the five answers, from rows that no database has seen."""

import datetime
from dataclasses import replace

import pytest
from factories.report import FIRST_NIGHT, NIGHT

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift.dashboard import wording
from mycovigil_drift.dashboard.answers import answers, status
from mycovigil_drift.dashboard.overview import Watch

NOW = FIRST_NIGHT + 1.1 * NIGHT
HARM = {"safety": "affected", "deadly": {"reference": 0.1, "night": 0.2, "low": 0.15, "high": 0.3}}


def _model(live_since: datetime.datetime = FIRST_NIGHT) -> Model:
    return Model(version="autumn", promoted_at=live_since, certificate_state="valid")


def _night(verdict: ReportVerdict, **values: object) -> DriftReport:
    p_value = None if verdict in {ReportVerdict.FAILED, ReportVerdict.INSUFFICIENT} else 0.2
    given: dict[str, object] = {
        "p_value": p_value,
        "level": 0.001,
        "rows": 12,
        "periods": 1,
        "evidence": {},
        "created_at": FIRST_NIGHT + NIGHT,
    }
    end = FIRST_NIGHT + NIGHT
    return DriftReport(
        verdict=verdict, window_start=FIRST_NIGHT, window_end=end, **(given | values)
    )


def _watch(
    model: Model | None,
    last: DriftReport | None = None,
    incident: Incident | None = None,
    action: RetrainJob | None = None,
) -> Watch:
    return Watch(model, incident, last, last if incident else None, action, None)


@pytest.mark.parametrize(
    ("watch", "headline", "tone"),
    [
        (_watch(None), "Nothing to watch yet", "plain"),
        (_watch(_model()), "Waiting for a night", "plain"),
        (_watch(_model(FIRST_NIGHT - 5 * NIGHT)), "Nobody is looking", "broken"),
        (_watch(_model(), _night(ReportVerdict.CALM)), "Calm", "good"),
        (_watch(_model(), _night(ReportVerdict.DRIFT)), "Drift seen", "bad"),
        (_watch(_model(), _night(ReportVerdict.INSUFFICIENT)), "Cannot tell", "unsure"),
        (_watch(_model(), _night(ReportVerdict.FAILED, problem="NaN")), "Not judged", "broken"),
    ],
)
def test_the_banner(watch: Watch, headline: str, tone: str) -> None:
    found = status(watch, NOW, NIGHT)
    assert (found.headline, found.tone) == (headline, tone)


def test_a_watch_that_stopped_is_no_calm() -> None:
    watch = _watch(_model(), _night(ReportVerdict.CALM))
    assert status(watch, NOW + 3 * NIGHT, NIGHT).headline == "Nobody is looking"


def test_nights_that_nobody_judges_leave_no_certificate_standing() -> None:
    watch = replace(_watch(_model()), doubt="no night has been judged since 2026-11-01 00:00 UTC")
    assert watch.certificate == "suspect"
    [said] = [one.detail for one in answers(watch, NOW) if one.question == "Does it hurt?"]
    assert said == "Certificate suspect. No night has been judged since 2026-11-01 00:00 UTC."


def test_five_answers_while_it_drifts() -> None:
    night = _night(ReportVerdict.DRIFT, evidence={"harm": HARM})
    incident = Incident(cause="novel_species", state="open", opened_at=FIRST_NIGHT)
    job = RetrainJob(state="running", requested_by="trigger", created_at=NOW)
    watch = _watch(_model(), night, incident, job)
    assert status(watch, NOW, NIGHT).headline == "Drifting"
    found = {answer.question: answer for answer in answers(watch, NOW)}
    assert [answer.answer for answer in found.values()] == [
        "Yes",
        "1 Sep 2026, 00:00",
        "Novel species",
        "Yes, safety is affected",
        "Retrain running",
    ]
    assert "10% → 20% (90% interval 15% to 30%)" in found["Does it hurt?"].detail


def test_a_drift_of_one_class_is_not_told_by_the_whole_nights_number() -> None:
    told = wording.sentence(_night(ReportVerdict.DRIFT))
    assert told.startswith("This night as a whole looked like the reference")
    assert told.endswith("but the photos of a predicted class did not.")
    whole = wording.sentence(_night(ReportVerdict.DRIFT, p_value=0.0001))
    assert whole.startswith("This night did not look like the reference")


def test_no_answers_without_a_model() -> None:
    assert answers(_watch(None), NOW) == []


@pytest.mark.parametrize(
    "last", [None, _night(ReportVerdict.INSUFFICIENT), _night(ReportVerdict.FAILED, problem="NaN")]
)
def test_silence_is_no_good_news(last: DriftReport | None) -> None:
    """What was not judged is not called calm, nor harmless."""
    watch = replace(_watch(_model(), last), calm_since=FIRST_NIGHT)
    found = {answer.question: answer.answer for answer in answers(watch, NOW)}
    assert found["Since when?"] == "Not known"
    assert found["Does it hurt?"] == "Not known"


def test_a_calm_night_is_told_as_calm() -> None:
    watch = replace(_watch(_model(), _night(ReportVerdict.CALM)), calm_since=FIRST_NIGHT)
    found = {answer.question: answer.answer for answer in answers(watch, NOW)}
    assert found["Since when?"].startswith("Calm for")
    assert found["Does it hurt?"] == "No sign of it"
