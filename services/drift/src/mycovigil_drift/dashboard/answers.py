"""The five questions of the first screen, answered in words from what stands in the rows."""

import datetime
from dataclasses import dataclass

from mycovigil.db.model import Promotion
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil.db.retrain import RetrainJob
from mycovigil_drift.dashboard import formats, wording
from mycovigil_drift.dashboard import harm as harms
from mycovigil_drift.dashboard.overview import Watch

NOT_KNOWN = "Not known"
OVERDUE_PERIODS = 3
"""Periods without a new report after which the watch itself is taken for dead."""


@dataclass(frozen=True, slots=True)
class Status:
    """The banner: one word, its tone, and a sentence."""

    headline: str
    tone: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    question: str
    answer: str
    detail: str
    href: str | None = None


def status(watch: Watch, now: datetime.datetime, period: datetime.timedelta) -> Status:
    """One word for the whole."""
    if watch.model is None:
        detail = "There is no production model yet. Train one: mycovigil train."
        return Status("Nothing to watch yet", "plain", detail)
    if watch.incident is not None:
        return Status("Drifting", "bad", _drifting(watch, now))
    if watch.last is None:
        return _fresh(watch, now, period)
    if now - watch.last.window_end > OVERDUE_PERIODS * period:
        since = formats.span(now - watch.last.window_end)
        detail = f"No night was judged for {since}: is the worker running?"
        return Status("Nobody is looking", "broken", detail)
    return _judged(watch.last)


def answers(watch: Watch, now: datetime.datetime) -> list[Answer]:
    """Is it drifting, since when, why, does it hurt, what was done."""
    if watch.model is None:
        return []
    return [_is_it(watch, now), _since(watch, now), _why(watch), _hurts(watch), _done(watch)]


def _judged(last: DriftReport) -> Status:
    sentence = wording.sentence(last, "The last night")
    match last.verdict:
        case ReportVerdict.CALM:
            return Status("Calm", "good", sentence)
        case ReportVerdict.DRIFT:
            return Status("Drift seen", "bad", sentence)
        case ReportVerdict.INSUFFICIENT if last.rows == 0:
            return Status("No photos", "unsure", sentence)
        case ReportVerdict.INSUFFICIENT:
            return Status("Cannot tell", "unsure", f"{sentence} They count with the next night's.")
        case _:
            return Status("Not judged", "broken", sentence)


def _drifting(watch: Watch, now: datetime.datetime) -> str:
    assert watch.incident is not None
    title, meaning = wording.cause(watch.incident.cause)
    length = formats.span(now - watch.incident.opened_at)
    return f"For {length}. {title}: {meaning}" if meaning else f"For {length}. {title}."


def _fresh(watch: Watch, now: datetime.datetime, period: datetime.timedelta) -> Status:
    assert watch.model is not None
    live_since = watch.model.promoted_at or watch.model.created_at
    version = watch.model.version
    if now - live_since > OVERDUE_PERIODS * period:
        detail = f"Model {version} is live, but no night of it was judged: is the worker running?"
        return Status("Nobody is looking", "broken", detail)
    detail = f"Model {version} went live {formats.span(now - live_since)} ago; its first night is "
    return Status("Waiting for a night", "plain", detail + "still to come.")


def _is_it(watch: Watch, now: datetime.datetime) -> Answer:
    question = "Is it drifting?"
    if watch.last is None:
        return Answer(question, "Not judged yet", "No night of this model is over.")
    place = f"/reports/{watch.last.id}"
    night = formats.night(watch.last.window_start, watch.last.window_end)
    detail = (
        f"{night}: {wording.sentence(watch.last)} Judged {formats.ago(watch.last.created_at, now)}."
    )
    if watch.incident is not None:
        return Answer(question, "Yes", detail, place)
    words = {
        "calm": "No",
        "drift": "Yes",
        "insufficient": "Too few photos to tell",
        "no_reference": "Nothing to compare with",
    }
    return Answer(question, words.get(watch.last.verdict, "Could not be judged"), detail, place)


def _since(watch: Watch, now: datetime.datetime) -> Answer:
    question = "Since when?"
    if watch.incident is None:
        return _calm_since(watch, question, now)
    detail = f"{formats.span(now - watch.incident.opened_at)} ago; incident {watch.incident.state}."
    opened = formats.moment(watch.incident.opened_at)
    return Answer(question, opened, detail, f"/incidents/{watch.incident.id}")


def _calm_since(watch: Watch, question: str, now: datetime.datetime) -> Answer:
    if watch.last is None:
        return Answer(question, NOT_KNOWN, "No night of this model was judged.", "/incidents")
    if watch.calm_since is None:
        return Answer(question, formats.NOTHING, "No incident is open.", "/incidents")
    detail = f"No incident has been open since {formats.moment(watch.calm_since)}."
    if not _is_calm(watch):
        told = f"{detail} The last night was not found calm."
        return Answer(question, NOT_KNOWN, told, "/incidents")
    return Answer(
        question, f"Calm for {formats.span(now - watch.calm_since)}", detail, "/incidents"
    )


def _is_calm(watch: Watch) -> bool:
    """Whether the last night was judged, and calm: silence is no good news."""
    return watch.last is not None and watch.last.verdict == ReportVerdict.CALM


def _why(watch: Watch) -> Answer:
    question = "Why?"
    if watch.incident is None:
        return Answer(question, formats.NOTHING, "There is nothing to explain.")
    title, meaning = wording.cause(watch.incident.cause)
    if watch.cause is None:
        return Answer(question, title, meaning)
    moved = wording.moved(watch.cause.evidence)
    detail = f"{meaning} {moved}".strip()
    return Answer(question, title, detail, f"/reports/{watch.cause.id}#cause")


def _hurts(watch: Watch) -> Answer:
    assert watch.model is not None
    assert watch.certificate is not None
    question = "Does it hurt?"
    certificate = watch.certificate.value
    why = formats.sentence(watch.doubt) if watch.doubt else wording.certificate(certificate)
    detail = f"Certificate {formats.plain(certificate)}. {why}"
    place = f"/models/{watch.model.id}"
    report = watch.cause or watch.last
    harm = harms.shown(report) if report else None
    if not report or harm is None or (watch.incident is None and not harm.realised):
        return Answer(question, "No sign of it" if _is_calm(watch) else NOT_KNOWN, detail, place)
    said = f"{formats.sentence(harms.in_words(harm))} Certificate {formats.plain(certificate)}."
    return Answer(question, harm.headline, said.strip(), f"/reports/{report.id}#harm")


def _done(watch: Watch) -> Answer:
    question = "What was done?"
    match watch.action:
        case RetrainJob() as job:
            detail = f"Asked for {formats.moment(job.created_at)} by {job.requested_by}."
            return Answer(question, f"Retrain {job.state}", detail, f"/retrain-jobs/{job.id}")
        case Promotion() as promotion:
            said = {"refused": "Candidate refused", "rollback": "Rolled back"}
            answer = said.get(promotion.decision, "Model promoted")
            detail = f"{formats.moment(promotion.created_at)}, by {promotion.decided_by}."
            return Answer(question, answer, detail, f"/models/{promotion.model_id}")
        case _:
            return Answer(question, "Nothing yet", "No retrain was asked for.", "/retrain-jobs")
