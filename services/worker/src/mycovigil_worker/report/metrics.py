"""A report's figures by name, one row each: the data of trends and of the CSV."""

import uuid
from collections.abc import Mapping

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftMetric, DriftReport

Figures = Mapping[str, float | None]


def of(report: DriftReport) -> dict[str, float | None]:
    """By name: ``p_value``, ``view.<name>.p_value``, ``covariate.<name>.effect``, …"""
    values: dict[str, float | None] = {
        "p_value": report.p_value,
        "rows": float(report.rows),
        "sampled_rows": float(report.sampled_rows),
        "late_rows": float(report.late_rows),
    }
    for view in report.views:
        values[f"view.{view['name']}.p_value"] = view["p_value"]
        values[f"view.{view['name']}.effect"] = view["effect"]
    parts = report.evidence
    for row in parts.get("covariates", []):
        values[f"covariate.{row['name']}.mean"] = row["night"]
        values[f"covariate.{row['name']}.effect"] = row["effect"]
        values[f"covariate.{row['name']}.spread"] = row["spread"]
    for row in parts.get("classes", []):
        values[f"class.{row['class']}.share"] = row["night"]
    for row in parts.get("clusters", []):
        values[f"cluster.{row['cluster']}.share"] = row["night"]
    return values


def store(session: Session, report: uuid.UUID, figures: Figures) -> None:
    """Write the figures over the report's earlier ones of these names; empty ones are left out."""
    rows = [
        {"report_id": report, "name": name, "value": value}
        for name, value in figures.items()
        if value is not None
    ]
    if not rows:
        return
    statement = insert(DriftMetric).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[DriftMetric.report_id, DriftMetric.name],
            set_={"value": statement.excluded.value},
        )
    )
