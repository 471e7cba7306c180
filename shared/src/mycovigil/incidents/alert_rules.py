"""When a report is worth waking somebody: pure functions from findings to a decision."""

from dataclasses import dataclass

from mycovigil.db.alert import AlertKind, IncidentState, Severity
from mycovigil.db.report import ReportVerdict

# Calm nights in a row after which an incident resolves by itself; of longer windows, which hold
# many nights each, one is enough.
CALM_TO_RESOLVE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a report says, as far as alerting cares. ``harmful``: safety is affected."""

    verdict: ReportVerdict
    cause: str
    harmful: bool


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """What is known before the report: the unresolved incident, if any, the calm run, and whether
    labels have ``proven`` harm: no calm night, which compares features, can refute them. ``alike``:
    whether the report's window is as long as the one that opened the incident: a calm week that
    ends with a bad night does not answer it, nor does a calm night a slow drift of the month.
    ``periods``: nights of that window."""

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
    """A novel species or harm done is critical; a camera or a season is a warning."""
    if finding.harmful or finding.cause == "novel_species":
        return Severity.CRITICAL
    return Severity.WARNING


def decide(finding: Finding, context: IncidentContext) -> AlertKind | None:
    """The alert that a report calls for, if any.

    One incident pages once when it opens and once more if it becomes worse; it does not page
    every night. It resolves after :data:`CALM_TO_RESOLVE` calm nights in a row, or one calm
    window as long as the one that opened it, unless labels proved it.
    """
    unresolved = context.state is not None
    if finding.verdict is ReportVerdict.DRIFT:
        if not unresolved:
            return AlertKind.OPENED
        worse = context.severity is Severity.WARNING and severity_of(finding) is Severity.CRITICAL
        return AlertKind.ESCALATED if worse else None
    answers = context.alike and not context.proven
    if finding.verdict is ReportVerdict.CALM and unresolved and answers:
        return AlertKind.RESOLVED if context.calm_before + 1 >= context.calm_needed else None
    return None
