"""Verdicts, causes and states in words, and their tones."""

from typing import Any

from mycovigil.db.reference import ReferenceSet
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.dashboard import days, formats

# Shift in standard deviations of the reference from which a covariate is mentioned.
LARGE_EFFECT = 0.5
# Tone of a verdict, state, status, severity or change. Each tone has a colour and a sign of its
# own, so that colour is never the only difference.
TONES = {
    "calm": "good",
    "drift": "bad",
    "insufficient": "unsure",
    "failed": "broken",
    "open": "bad",
    "acknowledged": "unsure",
    "resolved": "good",
    "opened": "bad",
    "escalated": "bad",
    "night_failed": "broken",
    "labels_wanted": "unsure",
    "warning": "unsure",
    "critical": "bad",
    "valid": "good",
    "suspect": "unsure",
    "void": "bad",
    "not_certifiable": "broken",
    "queued": "plain",
    "running": "unsure",
    "waiting_for_labels": "unsure",
    "cancelled": "plain",
    "succeeded": "good",
    "candidate": "plain",
    "shadow": "plain",
    "production": "good",
    "archived": "plain",
    "rejected": "bad",
    "initial": "good",
    "passed": "good",
    "refused": "bad",
    "rollback": "unsure",
    "affected": "bad",
    "not_affected": "good",
    "unknown": "unsure",
    "silent": "broken",
    "waiting": "plain",
    "in force": "unsure",
    "over": "plain",
    "no_reference": "broken",
    "learning": "plain",
    "new": "bad",
    "grown": "unsure",
    "shrunk": "unsure",
    "gone": "bad",
    "in use": "good",
    "draft": "unsure",
    "retired": "plain",
    "not in use": "plain",
}
VERDICTS = {
    "calm": "Calm",
    "drift": "Drift",
    "insufficient": "Too few photos",
    "failed": "Not judged",
    "no_reference": "Nothing to compare with",
    "learning": "Learning",
}
ENDED_BY = {
    "model": "by a model that learned it",
    "accepted": "accepted as the new normal",
    "calm": "by calm",
    "person": "by a person",
}
CHOSEN_BY = {
    "random": "drawn at random",
    "risk": "an error would be the worst",
    "novel_cluster": "unlike all that was known",
    "disagreement": "its nearest photos are of another class",
}
SUBJECTS = {"report_requests": "request"}
CAUSES = {
    "camera_or_light": (
        "Camera or light",
        "The photos look different as pictures: brightness, colour or sharpness have moved.",
    ),
    "novel_species": (
        "Novel species",
        "Some photos lie far from all reference photos: mushrooms that the model was not "
        "trained on.",
    ),
    "class_prior": (
        "Other proportions",
        "The same kinds of mushrooms arrive in other proportions, as with the seasons.",
    ),
    "missed_deadly": (
        "Deadly photos missed",
        "Labels that arrived later show more missed deadly photos than the certificate allows.",
    ),
    "skew": (
        "Unlike the training photos",
        "What the model is sent differs much from what it learned from, every night; that is no "
        "drift.",
    ),
    "mixed": ("Several causes", "The evidence fits more than one known cause."),
    "unknown": ("Not known", "The photos differ, but no known cause explains it well enough."),
}
CERTIFICATES = {
    "valid": "The bound holds on calibration photos, and no drift is open.",
    "suspect": "The bound is in doubt.",
    "void": "Labels refute it: the bound does not hold.",
    "not_certifiable": "Too few calibration photos to support any bound.",
}
# The gate's criteria in the order of a page.
CRITERIA = ("deadly", "deadly_within", "poisonous", "poisonous_within", "useful")
OPPONENTS = {
    "production": "production",
    "first_certified": "the first certified model of this encoder",
}
DIRECTIONS = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "higher in contrast"),
    "sharpness": ("blurrier", "sharper"),
    "colour_temperature": ("warmer", "colder"),
    "saturation": ("paler", "more colourful"),
    "width": ("narrower", "wider"),
    "height": ("lower", "taller"),
    "jpeg_quality": ("more compressed", "less compressed"),
}


def tone(state: str) -> str:
    """``good``, ``bad``, ``unsure``, ``broken`` or ``plain``: a colour and a sign."""
    return TONES.get(state, "plain")


def verdict(name: str) -> str:
    """A report's verdict as a headline."""
    return VERDICTS.get(name, formats.plain(name))


def sentence(report: DriftReport, subject: str | None = None) -> str:
    """The verdict as one sentence with its numbers; ``subject`` replaces "This night"."""
    lengths = {0: "This period", 1: "This night"}
    subject = subject or lengths.get(report.periods, f"These {report.periods} nights")
    if report.ratio is not None:
        return days.sentence(report, subject)
    if report.verdict == ReportVerdict.LEARNING:
        return days.while_learning(report)
    return _beside_the_reference(report, subject)


def _beside_the_reference(report: DriftReport, subject: str) -> str:
    """Of a report without days: from before they were compared, or without a test."""
    p_value = f"{formats.p_equals(report.p_value)}, alarm at {formats.p_value(report.level)}"
    match report.verdict:
        case ReportVerdict.CALM:
            return f"{subject} looked like the reference ({p_value})."
        case ReportVerdict.DRIFT if (report.p_value or 0.0) > (report.level or 0.0):
            whole = f"{subject} as a whole looked like the reference ({p_value})"
            return f"{whole}, but the photos of a predicted class did not."
        case ReportVerdict.DRIFT:
            return f"{subject} did not look like the reference ({p_value})."
        case ReportVerdict.INSUFFICIENT if report.rows == 0:
            return "No photo was sent."
        case ReportVerdict.INSUFFICIENT:
            return f"Too few photos to tell: {formats.count(report.rows)}."
        case _:
            return f"Could not be judged: {report.problem or 'no reason was recorded'}."


def subject(table: str) -> str:
    """The noun of a table's rows: ``retrain_jobs`` is "retrain job"."""
    return SUBJECTS.get(table, formats.plain(table).removesuffix("s"))


def cause(name: str | None) -> tuple[str, str]:
    """Title and meaning of a cause."""
    return CAUSES.get(name or "unknown", (formats.plain(name), ""))


def retrain(state: str) -> str:
    """What became of a job that waits for labels no more, after "The retrain"."""
    ended = {"queued": "is queued", "running": "is running", "cancelled": "was cancelled"}
    return ended.get(state, f"has {formats.plain(state)}")


def certificate(state: str) -> str:
    """What a certificate's status means."""
    return CERTIFICATES.get(state, "")


def opponent(role: str) -> str:
    """Whom the gate compared a candidate with."""
    return OPPONENTS.get(role, formats.plain(role))


def chosen_by(reason: str) -> str:
    """Why a photo's label is asked for."""
    return CHOSEN_BY.get(reason, formats.plain(reason))


def ended_by(what: str) -> str:
    """What ended an incident."""
    return ENDED_BY.get(what, formats.plain(what))


def direction(name: str, effect: float) -> str:
    """Which way a covariate moved: ``brighter``."""
    down, up = DIRECTIONS.get(name, ("lower", "higher"))
    return up if effect > 0 else down


def moved(evidence: dict[str, Any]) -> str:
    """The two covariates that moved most, in a sentence; empty if none moved by much."""
    rows = sorted(evidence.get("covariates", []), key=lambda row: -abs(row["effect"]))
    parts = [
        f"{direction(row['name'], row['effect'])} ({formats.signed(row['effect'])} sd)"
        for row in rows[:2]
        if abs(row["effect"]) >= LARGE_EFFECT
    ]
    return formats.sentence("photos are " + " and ".join(parts)) if parts else ""


def p_value_meaning(p_value: float) -> str:
    """What the p-value of a two-sample test means."""
    if p_value <= 0.01:
        return "Samples of the same distribution differ this much in at most 1 of 100 cases."
    if p_value <= 0.05:
        return "Samples of the same distribution differ this much in at most 1 of 20 cases."
    return "Samples of the same distribution often differ this much."


def times(ratio: float) -> str:
    """A shift in units of what days vary by: "2.4 times"."""
    return days.times(ratio)


def days_meaning(p_value: float) -> str:
    """What the p-value of a stretch beside days means."""
    if p_value <= 0.01:
        return "Of stretches that differ as days do, at most 1 of 100 lies so far."
    if p_value <= 0.05:
        return "Of stretches that differ as days do, at most 1 of 20 lies so far."
    return "Stretches that differ as days do often lie so far."


def reference_state(found: ReferenceSet, active: bool) -> str:
    """``in use``, ``draft`` (never frozen), ``retired``, or ``not in use`` (superseded)."""
    if found.retired_at is not None:
        return "retired"
    if found.frozen_at is None:
        return "draft"
    return "in use" if active else "not in use"
