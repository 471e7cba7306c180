"""A report's numbers by name, one row each: what trends and the CSV are made of."""

import uuid
from collections.abc import Mapping

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mycovigil.db.report import DriftMetric


def keep(session: Session, report: uuid.UUID, values: Mapping[str, float | None]) -> None:
    """Write them over what the report said under these names before; what is empty is left out."""
    rows = [
        {"report_id": report, "name": name, "value": value}
        for name, value in values.items()
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
