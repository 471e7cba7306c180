"""The banner and the five answers, from rows that are in no database."""

import datetime
import uuid
from dataclasses import replace

import pytest
from factories.report import FIRST_NIGHT, NIGHT

from mycovigil.db.alert import Incident
from mycovigil.db.model import Model
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift.dashboard import wording
from mycovigil_drift.dashboard.view_models.banner import banner
from mycovigil_drift.dashboard.view_models.production import ProductionStatus
from mycovigil_drift.dashboard.view_models.summary import summary

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


def _production(
    model: Model | None,
    last: DriftReport | None = None,
    incident: Incident | None = None,
    action: RetrainJob | None = None,
) -> ProductionStatus:
    return ProductionStatus(model, incident, last, last if incident else None, action, None)


@pytest.mark.parametrize(
    ("production", "headline", "tone"),
    [
        (_production(None), "No production model", "plain"),
        (_production(_model()), "Waiting for a night", "plain"),
        (_production(_model(FIRST_NIGHT - 5 * NIGHT)), "Not monitored", "broken"),
        (_production(_model(), _night(ReportVerdict.CALM)), "Calm", "good"),
        (_production(_model(), _night(ReportVerdict.DRIFT)), "Drift seen", "bad"),
        (_production(_model(), _night(ReportVerdict.INSUFFICIENT)), "Cannot tell", "unsure"),
        (
            _production(_model(), _night(ReportVerdict.FAILED, problem="NaN")),
            "Not judged",
            "broken",
        ),
    ],
)
def test_the_banner(production: ProductionStatus, headline: str, tone: str) -> None:
    found = banner(production, NOW, NIGHT)
    assert (found.headline, found.tone) == (headline, tone)


def test_a_watch_that_stopped_is_no_calm() -> None:
    production = _production(_model(), _night(ReportVerdict.CALM))
    assert banner(production, NOW + 3 * NIGHT, NIGHT).headline == "Not monitored"


def test_nights_that_nobody_judges_leave_no_certificate_standing() -> None:
    production = replace(
        _production(_model()), doubt="no night has been judged since 2026-11-01 00:00 UTC"
    )
    assert production.certificate == "suspect"
    [said] = [one.detail for one in summary(production, NOW) if one.question == "Does it hurt?"]
    assert said == "Certificate suspect. No night has been judged since 2026-11-01 00:00 UTC."


def test_a_certificate_that_labels_put_in_doubt_names_no_drift() -> None:
    model = _model()
    model.certificate_state = "suspect"
    model.certificate_reason = "by their labels 6 of 71 deadly specimens were missed"
    production = _production(model, _night(ReportVerdict.CALM))
    [said] = [one.detail for one in summary(production, NOW) if one.question == "Does it hurt?"]
    assert said == ("Certificate suspect. By their labels 6 of 71 deadly specimens were missed.")


def test_five_answers_while_it_drifts() -> None:
    night = _night(ReportVerdict.DRIFT, evidence={"harm": HARM})
    incident = Incident(cause="novel_species", state="open", opened_at=FIRST_NIGHT)
    job = RetrainJob(state="running", requested_by="trigger", created_at=NOW)
    production = _production(_model(), night, incident, job)
    assert banner(production, NOW, NIGHT).headline == "Drifting"
    found = {answer.question: answer for answer in summary(production, NOW)}
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
    assert summary(_production(None), NOW) == []


@pytest.mark.parametrize(
    "last", [None, _night(ReportVerdict.INSUFFICIENT), _night(ReportVerdict.FAILED, problem="NaN")]
)
def test_silence_is_no_good_news(last: DriftReport | None) -> None:
    """What was not judged is not called calm, nor harmless."""
    production = replace(_production(_model(), last), calm_since=FIRST_NIGHT)
    found = {answer.question: answer.answer for answer in summary(production, NOW)}
    assert found["Since when?"] == "Not known"
    assert found["Does it hurt?"] == "Not known"


def test_a_calm_night_is_told_as_calm() -> None:
    production = replace(_production(_model(), _night(ReportVerdict.CALM)), calm_since=FIRST_NIGHT)
    found = {answer.question: answer.answer for answer in summary(production, NOW)}
    assert found["Since when?"].startswith("Calm for")
    assert found["Does it hurt?"] == "No sign of it"


def test_since_when_knows_an_open_skew() -> None:
    skew = Incident(id=uuid.UUID(int=3), kind="skew", state="open", opened_at=FIRST_NIGHT)
    production = replace(_production(_model(), _night(ReportVerdict.CALM)), skew=skew)
    item = summary(production, NOW)[1]
    assert (item.question, item.answer) == ("Since when?", "No drift; a skew is open")
    assert item.detail.startswith("No drift is open; the skew from the training set is open since")
    assert item.href == f"/incidents/{skew.id}"
    unknown = replace(production, last=_night(ReportVerdict.LEARNING))
    assert summary(unknown, NOW)[1].answer == "Not known"
