"""Rules that decide which alert a report calls for: pure functions."""

from dataclasses import dataclass

from mycovigil.db.alert import AlertKind, IncidentState, Severity
from mycovigil.db.report import ReportVerdict

# Calm nights in a row that resolve an incident; one calm window of several nights is enough.
CALM_TO_RESOLVE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rules read of a report. ``harmful``: safety is affected."""

    verdict: ReportVerdict
    cause: str
    harmful: bool


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """What is known before the report.

    ``state`` and ``severity``: of the unresolved incident, none without one; ``calm_before``: calm
    windows in a row; ``proven``: labels proved harm, which calm nights, comparing features, cannot
    refute; ``alike``: the report's window is later than the one that opened the incident and as
    long (a calm night does not refute a slow drift of a month); ``periods``: nights of that window.
    """

    state: IncidentState | None
    severity: Severity | None
    calm_before: int = 0
    proven: bool = False
    alike: bool = True
    periods: int = 1

    @property
    def calm_needed(self) -> int:
        return CALM_TO_RESOLVE if self.periods <= 1 else 1


def severity_of(finding: Finding) -> Severity:
    """Critical for harm and for a novel species; a warning for every other cause."""
    if finding.harmful or finding.cause == "novel_species":
        return Severity.CRITICAL
    return Severity.WARNING


def decide(finding: Finding, context: IncidentContext) -> AlertKind | None:
    """The alert that a report calls for, if any.

    An incident has one alert when it opens and another if it becomes critical, not one a night. It
    resolves after :data:`CALM_TO_RESOLVE` calm nights in a row, or after one calm window as long as
    the one that opened it, unless labels proved it.
    """
    unresolved = context.state is not None
    if finding.verdict is ReportVerdict.DRIFT:
        if not unresolved:
            return AlertKind.OPENED
        worse = context.severity is Severity.WARNING and severity_of(finding) is Severity.CRITICAL
        return AlertKind.ESCALATED if worse else None
    refutable = context.alike and not context.proven
    if finding.verdict is ReportVerdict.CALM and unresolved and refutable:
        return AlertKind.RESOLVED if context.calm_before + 1 >= context.calm_needed else None
    return None
