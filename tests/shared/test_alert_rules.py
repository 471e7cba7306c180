"""The alert that a report calls for: every verdict, cause and severity of the open incident."""

import itertools

import pytest

from mycovigil.db.alert import AlertKind, Severity
from mycovigil.db.report import ReportVerdict
from mycovigil.incidents.alert_rules import Finding, decide, severity_of

CAUSES = ("novel_species", "camera", "unknown", "", "novel", "NOVEL_SPECIES")


@pytest.mark.parametrize(("cause", "harmful"), list(itertools.product(CAUSES, (True, False))))
def test_harm_and_a_novel_species_alone_are_critical(cause: str, harmful: bool) -> None:
    critical = harmful or cause == "novel_species"
    found = severity_of(Finding(ReportVerdict.DRIFT, cause, harmful))
    assert found is (Severity.CRITICAL if critical else Severity.WARNING)


def test_what_one_client_alone_sends_is_critical_by_harm_alone() -> None:
    for cause, harmful in itertools.product(CAUSES, (True, False)):
        found = Finding(ReportVerdict.DRIFT, cause, harmful, confined_to="cats")
        assert severity_of(found) is (Severity.CRITICAL if harmful else Severity.WARNING)
        assert found.doubtful is harmful


@pytest.mark.parametrize(
    ("cause", "harmful", "unresolved", "expected"),
    [
        ("camera", False, None, AlertKind.OPENED),
        ("camera", True, None, AlertKind.OPENED),
        ("camera", False, Severity.WARNING, None),
        ("camera", True, Severity.WARNING, AlertKind.ESCALATED),
        ("novel_species", False, Severity.WARNING, AlertKind.ESCALATED),
        ("camera", False, Severity.CRITICAL, None),
        ("camera", True, Severity.CRITICAL, None),
    ],
)
def test_a_drift_opens_once_and_escalates_once(
    cause: str, harmful: bool, unresolved: Severity | None, expected: AlertKind | None
) -> None:
    assert decide(Finding(ReportVerdict.DRIFT, cause, harmful), unresolved) is expected
