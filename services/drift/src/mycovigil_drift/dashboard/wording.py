"""Verdicts, causes and states in words and tones; colour never stands alone."""

from typing import Any

from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.dashboard import formats

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
    "warning": "unsure",
    "critical": "bad",
    "valid": "good",
    "suspect": "unsure",
    "void": "bad",
    "not_certifiable": "broken",
    "queued": "plain",
    "running": "unsure",
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
}
VERDICTS = {
    "calm": "Calm",
    "drift": "Drift",
    "insufficient": "Too few photos",
    "failed": "Not judged",
}
CAUSES = {
    "camera_or_light": (
        "Camera or light",
        "The photos look different as pictures: brightness, colour or sharpness have moved.",
    ),
    "novel_species": (
        "Novel species",
        "A share of the photos lies where the reference has none: mushrooms that the model "
        "was never shown.",
    ),
    "class_prior": (
        "Other proportions",
        "The same mushrooms as before arrive in other proportions, as a season brings.",
    ),
    "mixed": ("Several causes", "More than one of the known causes left its trace."),
    "unknown": ("Not known", "The photos differ, but no known cause explains it well enough."),
}
CERTIFICATES = {
    "valid": "Bounded on calibration photos, and no drift seen since.",
    "suspect": "A drift is open: the bound may no longer hold.",
    "void": "The drift affects safety: the bound does not hold.",
    "not_certifiable": "Too few calibration photos to support any bound.",
}
HARMS = {
    "affected": "Yes, safety is affected",
    "not_affected": "No sign of harm",
    "unknown": "Cannot be told",
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
    odds = (
        f"p\N{NO-BREAK SPACE}{_relation(report.p_value)}, alarm at {formats.p_value(report.level)}"
    )
    lasting = "This night" if report.periods == 1 else f"These {report.periods} nights"
    subject = subject or lasting
    match report.verdict:
        case ReportVerdict.CALM:
            return f"{subject} looked like the reference ({odds})."
        case ReportVerdict.DRIFT:
            return f"{subject} did not look like the reference ({odds})."
        case ReportVerdict.INSUFFICIENT:
            return f"Too few photos to tell: {formats.count(report.rows)}."
        case _:
            return f"Could not be judged: {report.problem or 'no reason was recorded'}."


def _relation(p_value: float | None) -> str:
    said = formats.p_value(p_value)
    return (
        said.replace(" ", "\N{NO-BREAK SPACE}")
        if said.startswith("<")
        else f"=\N{NO-BREAK SPACE}{said}"
    )


def cause(name: str | None) -> tuple[str, str]:
    """A cause's title and what it means."""
    return CAUSES.get(name or "unknown", (formats.plain(name), ""))


def certificate(state: str) -> str:
    """What a certificate's state means."""
    return CERTIFICATES.get(state, "")


def direction(name: str, effect: float) -> str:
    """Which way a covariate moved: ``brighter``."""
    down, up = DIRECTIONS.get(name, ("lower", "higher"))
    return up if effect > 0 else down


def harm(evidence: dict[str, Any]) -> tuple[str, str]:
    """Whether it hurts: the state's name, and the estimates behind it in words."""
    found = evidence.get("harm") or {}
    state = str(found.get("safety", "unknown"))
    parts = [
        f"{noun} {formats.share(share['reference'])} → {formats.share(share['night'])} "
        f"(90% interval {formats.share(share['low'])} to {formats.share(share['high'])})"
        for noun, share in (
            ("deadly photos", found.get("deadly")),
            ("photos beyond the model's knowledge", found.get("novel")),
        )
        if share
    ]
    return state, "; ".join(parts)
