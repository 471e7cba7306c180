"""Rules that decide which alert a report calls for: pure functions."""

from dataclasses import dataclass

from mycovigil.db.alert import AlertKind, Severity
from mycovigil.db.report import ReportVerdict


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules read of a report. ``harmful``: safety is affected; ``confined_to``: the one
    client whose photos, all of them refused, are all that drifted."""

    verdict: ReportVerdict
    cause: str
    harmful: bool
    confined_to: str | None = None

    @property
    def doubtful(self) -> bool:
        """Whether others than that client have to doubt the certificate."""
        return self.harmful or self.confined_to is None


def severity_of(finding: Finding) -> Severity:
    """Critical for harm and for a novel species, unless one client alone sends it; a warning for
    every other cause."""
    if finding.harmful or (finding.doubtful and finding.cause == "novel_species"):
        return Severity.CRITICAL
    return Severity.WARNING


def decide(finding: Finding, unresolved: Severity | None) -> AlertKind | None:
    """The alert that a report calls for, if any.

    An incident has one alert when it opens and another if it becomes critical, not one a night. No
    verdict ends it: that a night is calm does not show that the drift is over.

    Args:
        unresolved: severity of the unresolved incident, none without one.
    """
    if finding.verdict is not ReportVerdict.DRIFT:
        return None
    if unresolved is None:
        return AlertKind.OPENED
    worse = unresolved is Severity.WARNING and severity_of(finding) is Severity.CRITICAL
    return AlertKind.ESCALATED if worse else None
