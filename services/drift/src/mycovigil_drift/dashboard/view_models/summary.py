"""The summary of the first screen: five questions about production, answered in words."""

import datetime
from dataclasses import dataclass

from mycovigil.db.alert import Incident
from mycovigil.db.model import Promotion
from mycovigil.db.report import ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift.dashboard import formats, wording
from mycovigil_drift.dashboard.view_models import harm
from mycovigil_drift.dashboard.view_models.production import ProductionStatus

NOT_KNOWN = "Not known"
# Answers to "Is it drifting?" by the verdict of the last night, while no incident is open.
IS_DRIFTING = {
    "calm": "No",
    "drift": "Yes",
    "insufficient": "Too few photos to tell",
    "no_reference": "Nothing to compare with",
    "learning": "Not known yet",
}


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """A question, its answer in a few words, a detail, and the page that shows more."""

    question: str
    answer: str
    detail: str
    href: str | None = None


def summary(production: ProductionStatus, now: datetime.datetime) -> list[SummaryItem]:
    """Is it drifting, since when, why, does it hurt, what was done; empty without a model."""
    if production.model is None:
        return []
    return [
        _is_it_drifting(production, now),
        _since_when(production, now),
        _why(production),
        _does_it_hurt(production),
        _what_was_done(production),
    ]


def _is_it_drifting(production: ProductionStatus, now: datetime.datetime) -> SummaryItem:
    question = "Is it drifting?"
    last = production.last
    if last is None:
        return SummaryItem(question, "Not judged yet", "No night of this model is over.")
    window = formats.window(last.window_start, last.window_end)
    detail = f"{window}: {wording.sentence(last)} Judged {formats.ago(last.created_at, now)}."
    answer = IS_DRIFTING.get(last.verdict, "Could not be judged")
    answer = "Yes" if production.incident is not None else answer
    return SummaryItem(question, answer, detail, f"/reports/{last.id}")


def _since_when(production: ProductionStatus, now: datetime.datetime) -> SummaryItem:
    question = "Since when?"
    incident = production.incident
    if incident is None and production.skew is not None:
        return _since_when_skewed(production.skew, production, now)
    if incident is None:
        answer, detail = _calm_since(production, now)
        return SummaryItem(question, answer, detail, "/incidents")
    detail = f"{formats.ago(incident.opened_at, now)}; incident {incident.state}."
    opened = formats.moment(incident.opened_at)
    return SummaryItem(question, opened, detail, f"/incidents/{incident.id}")


def _since_when_skewed(
    skew: Incident, production: ProductionStatus, now: datetime.datetime
) -> SummaryItem:
    """No drift, and a skew that nobody has accepted."""
    opened = f"{formats.moment(skew.opened_at)} ({formats.ago(skew.opened_at, now)})"
    detail = f"No drift is open; the skew from the training set is {skew.state} since {opened}."
    answer = NOT_KNOWN
    if _last_night_was_calm(production):
        answer = "No drift; a skew is open"
    return SummaryItem("Since when?", answer, detail, f"/incidents/{skew.id}")


def _calm_since(production: ProductionStatus, now: datetime.datetime) -> tuple[str, str]:
    """Answer and detail while no incident is open."""
    if production.last is None:
        return NOT_KNOWN, "No night of this model was judged."
    if production.calm_since is None:
        return formats.NOTHING, "No incident is open."
    detail = f"No incident has been open since {formats.moment(production.calm_since)}."
    if not _last_night_was_calm(production):
        return NOT_KNOWN, f"{detail} The last night was not found calm."
    return f"Calm for {formats.duration(now - production.calm_since)}", detail


def _last_night_was_calm(production: ProductionStatus) -> bool:
    """A night that was not judged does not count as calm."""
    return production.last is not None and production.last.verdict == ReportVerdict.CALM


def _why(production: ProductionStatus) -> SummaryItem:
    question = "Why?"
    if production.incident is None:
        return SummaryItem(question, formats.NOTHING, "There is nothing to explain.")
    title, meaning = wording.cause(production.incident.cause)
    if production.cause is None:
        return SummaryItem(question, title, meaning)
    detail = f"{meaning} {wording.moved(production.cause.evidence)}".strip()
    return SummaryItem(question, title, detail, f"/reports/{production.cause.id}#cause")


def _does_it_hurt(production: ProductionStatus) -> SummaryItem:
    assert production.model is not None
    assert production.certificate is not None
    question = "Does it hurt?"
    state = production.certificate.value
    certificate = f"Certificate {formats.plain(state)}."
    report = production.cause or production.last
    found = harm.of_report(report) if report else None
    if not report or found is None or (production.incident is None and not found.realised):
        answer = "No sign of it" if _last_night_was_calm(production) else NOT_KNOWN
        doubt = formats.sentence(production.reason) or wording.certificate(state)
        href = f"/models/{production.model.id}"
        return SummaryItem(question, answer, f"{certificate} {doubt}", href)
    detail = f"{formats.sentence(harm.in_words(found))} {certificate}".strip()
    return SummaryItem(question, found.headline, detail, f"/reports/{report.id}#harm")


def _what_was_done(production: ProductionStatus) -> SummaryItem:
    question = "What was done?"
    match production.action:
        case RetrainJob() as job:
            detail = f"Requested {formats.moment(job.created_at)} by {job.requested_by}."
            title = f"Retrain {formats.plain(job.state)}"
            return SummaryItem(question, title, detail, f"/retrain-jobs/{job.id}")
        case Promotion() as promotion:
            answers = {"refused": "Candidate refused", "rollback": "Rolled back"}
            answer = answers.get(promotion.decision, "Model promoted")
            detail = f"{formats.moment(promotion.created_at)}, by {promotion.decided_by}."
            return SummaryItem(question, answer, detail, f"/models/{promotion.model_id}")
        case _:
            detail = "No retrain was requested."
            return SummaryItem(question, "Nothing yet", detail, "/retrain-jobs")
