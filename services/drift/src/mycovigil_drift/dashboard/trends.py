"""Numbers of many nights for the small multiples: what moved, and which classes grew."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftMetric, DriftReport
from mycovigil.image.covariates import NAMES
from mycovigil.safety import CLASSES
from mycovigil_drift.dashboard.charts import sparkline
from mycovigil_drift.dashboard.charts.sparkline import Sparkline

COVARIATES = {f"covariate.{name}.effect": name for name in NAMES}
SHARES = {f"class.{name.value}.share": name.value for name in CLASSES}
LARGE_EFFECT, LARGE_CHANGE = 0.5, 0.1


def covariates(session: Session, nights: Sequence[DriftReport]) -> list[Sparkline]:
    """Shift of each covariate, in standard deviations of the reference."""
    series = _series(session, nights, list(COVARIATES))
    found = [
        sparkline.drawn(
            COVARIATES[key], values, middle=0.0, reach=1.0, large=abs(values[-1]) >= LARGE_EFFECT
        )
        for key, values in series.items()
    ]
    return [line for line in found if line is not None]


def shares(session: Session, nights: Sequence[DriftReport]) -> list[Sparkline]:
    """Share of each predicted class, around its mean over these nights."""
    series = _series(session, nights, list(SHARES))
    found = []
    for key, values in series.items():
        mean = sum(values) / len(values)
        large = abs(values[-1] - mean) >= LARGE_CHANGE
        found.append(sparkline.drawn(SHARES[key], values, middle=mean, reach=0.15, large=large))
    return [line for line in found if line is not None]


def _series(
    session: Session, nights: Sequence[DriftReport], names: list[str]
) -> dict[str, list[float]]:
    """Values by name in the order of ``names``, each in the order of the nights."""
    order = {report.id: number for number, report in enumerate(nights) if report.periods == 1}
    rows = session.execute(
        select(DriftMetric.name, DriftMetric.report_id, DriftMetric.value).where(
            DriftMetric.report_id.in_(order), DriftMetric.name.in_(names)
        )
    ).all()
    series: dict[str, list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: order[row.report_id]):
        series[row.name].append(row.value)
    return {name: series[name] for name in names if name in series}
