"""Sparklines over many nights: shifts of the covariates, and shares of the classes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftMetric, DriftReport, ReportVerdict
from mycovigil.models.safety import CLASSES
from mycovigil.vision.image.covariates import NAMES
from mycovigil_drift.dashboard.charts import sparkline
from mycovigil_drift.dashboard.charts.sparkline import Sparkline

COVARIATES = {f"covariate.{name}.effect": name for name in NAMES}
SHARES = {f"class.{name.value}.share": name.value for name in CLASSES}
# From which shift (standard deviations) and change of a share the newest night is highlighted.
LARGE_EFFECT, LARGE_CHANGE = 0.5, 0.1


def covariates(session: Session, nights: Sequence[DriftReport]) -> list[Sparkline]:
    """Shift of each covariate's mean, in standard deviations of the reference."""
    series = _series(session, nights, list(COVARIATES))
    found = [
        sparkline.layout(
            COVARIATES[key],
            line.values,
            middle=0.0,
            reach=1.0,
            large=abs(line.values[-1]) >= LARGE_EFFECT,
            calm=sparkline.calm_band(line.calm),
        )
        for key, line in series.items()
    ]
    return [line for line in found if line is not None]


def shares(session: Session, nights: Sequence[DriftReport]) -> list[Sparkline]:
    """Share of each predicted class, around its mean over the nights."""
    series = _series(session, nights, list(SHARES))
    found = []
    for key, line in series.items():
        mean = sum(line.values) / len(line.values)
        large = abs(line.values[-1] - mean) >= LARGE_CHANGE
        band = sparkline.calm_band(line.calm)
        found.append(
            sparkline.layout(
                SHARES[key], line.values, middle=mean, reach=0.15, large=large, calm=band
            )
        )
    return [line for line in found if line is not None]


@dataclass(frozen=True, slots=True)
class _Series:
    """One metric over the nights, oldest first; ``calm``: that of the calm nights alone."""

    values: list[float]
    calm: list[float]


def _series(
    session: Session, nights: Sequence[DriftReport], names: list[str]
) -> dict[str, _Series]:
    """Series by name in the order of ``names``."""
    judged = [report for report in nights if report.periods == 1]
    order = {report.id: number for number, report in enumerate(judged)}
    calm = {report.id for report in judged if report.verdict == ReportVerdict.CALM}
    rows = session.execute(
        select(DriftMetric.name, DriftMetric.report_id, DriftMetric.value).where(
            DriftMetric.report_id.in_(order), DriftMetric.name.in_(names)
        )
    ).all()
    series: dict[str, _Series] = defaultdict(lambda: _Series([], []))
    for row in sorted(rows, key=lambda row: order[row.report_id]):
        series[row.name].values.append(row.value)
        if row.report_id in calm:
            series[row.name].calm.append(row.value)
    return {name: series[name] for name in names if name in series}
