"""The comparison with the baseline's days in words."""

from dataclasses import dataclass
from typing import Any

from mycovigil.baselines.baseline import LEAST_DAYS, learning
from mycovigil.db.report import DriftReport, ReportVerdict
from mycovigil_drift.dashboard import formats


@dataclass(frozen=True, slots=True)
class BesideDays:
    """What a report's page says of the days. ``learning``: in place of all else."""

    learning: str | None
    shift: str
    rank: str
    seen: str
    no_rows: str
    informs: bool
    notes: list[str]


@dataclass(frozen=True, slots=True)
class BesideTraining:
    """What it says of the training set."""

    headline: str
    detail: str


def beside_days(report: DriftReport) -> BesideDays | None:
    """None for a report from before days were compared."""
    found = report.evidence.get("days")
    if not found:
        return None
    ratio = report.ratio
    lengths = {0: "This period's", 1: "This night's"}
    whose = lengths.get(report.periods, f"These {report.periods} nights'")
    shift = f"{whose} shift is {times(ratio)} what your days vary by." if ratio else ""
    return BesideDays(
        found.get("learning"),
        shift,
        rank(report),
        times(report.detectable) if report.detectable and not calm_by_photos_alone(report) else "",
        "not needed" if not found.get("notes") else "not possible",
        bool(found.get("informs")),
        found.get("notes", []),
    )


def beside_training(report: DriftReport) -> BesideTraining | None:
    """None where nothing was compared."""
    found = report.evidence.get("skew")
    if not found:
        return None
    headline = (
        f"In {found['auc']:.0%} of pairs a classifier tells which photo was sent and which is of "
        "the training set."
    )
    limit = f"{found['auc_limit']:.0%}"
    parts = [f"by chance it would be half; a person is asked, once, from {limit} for sure"]
    if found.get("novel") is not None:
        parts.append(
            f"{found['novel']:.1%} of the photos lie beyond the novelty threshold "
            f"({found['novel_reference']:.1%} of the training set's; asked from "
            f"{found['novel_limit']:.0%})"
        )
    parts.append(f"the exact test of photos alone gives {formats.p_equals(found['p_value'])}")
    return BesideTraining(headline, formats.sentence("; ".join(parts)))


def sentence(report: DriftReport, subject: str) -> str:
    """The verdict as one sentence: the shift in units of what days vary by."""
    assert report.ratio is not None
    p_value = f"{formats.p_equals(report.p_value)}, alarm at {formats.p_value(report.level)}"
    shift = f"{subject}'s shift is {times(report.ratio)} what your days vary by"
    if report.verdict == ReportVerdict.DRIFT and (drifted := drifted_class(report)):
        return (
            f"{subject}'s photos that were called {formats.plain(drifted['value'])} shifted by "
            f"{times(drifted['effect'])} what those of your days vary by "
            f"({formats.p_equals(drifted['p_value'])}, alarm at "
            f"{formats.p_value(drifted['level'])}); as a whole the shift is {times(report.ratio)} "
            f"what your days vary by ({formats.p_equals(report.p_value)})."
        )
    if report.verdict == ReportVerdict.DRIFT:
        return f"{shift} ({p_value})."
    return f"{shift} ({p_value}). {seen(report)}".strip()


def drifted_class(report: DriftReport) -> dict[str, Any] | None:
    """The predicted class that alarmed, where the night as a whole did not."""
    if report.p_value is None or report.level is None or report.p_value <= report.level:
        return None
    found = [
        one
        for one in report.evidence.get("slices", [])
        if one.get("days") and one["verdict"] == ReportVerdict.DRIFT
    ]
    return min(found, key=lambda one: float(one["p_value"]), default=None)


def seen(report: DriftReport) -> str:
    """The smallest shift that would have been seen; what is said beside every calm night."""
    if report.detectable is None:
        return ""
    if calm_by_photos_alone(report):
        return "By days this is a drift and by photos it is not; a page needs both."
    return f"A shift of {times(report.detectable)} would have been seen."


def class_seen(found: dict[str, Any]) -> str:
    """The same of a predicted class; empty for other slices, which have no days to vary."""
    if found.get("detectable") is None or found["verdict"] != ReportVerdict.CALM:
        return ""
    return f"a shift of {times(found['detectable'])} what its days vary by would have been seen"


def calm_by_photos_alone(report: DriftReport) -> bool:
    """Whether only the test on rows keeps a night calm: its shift is one that days would show."""
    p_days, level = report.p_days, report.level
    return p_days is not None and level is not None and p_days <= level


def while_learning(report: DriftReport) -> str:
    """Why there is no verdict yet."""
    state = learning_state(report.days or 0)
    return (
        f"{formats.sentence(state)} With fewer than {LEAST_DAYS} accepted days nothing is known of "
        "how days differ, so that no night pages."
    )


def learning_state(days: int) -> str:
    """ "learning, day 2 of 3"."""
    return learning(days) or "learned"


def rank(report: DriftReport) -> str:
    """The night's plain rank among the days and itself; empty without days."""
    if report.rank is None or report.days is None:
        return ""
    if report.rank == 1:
        return f"farther from them than any of the {report.days} days"
    return f"rank {report.rank} of {report.days + 1}, by how far each lies from the others"


def times(ratio: float) -> str:
    """ "2.4 times"."""
    return f"{ratio:.2g} times" if ratio < 10 else f"{ratio:.0f} times"
