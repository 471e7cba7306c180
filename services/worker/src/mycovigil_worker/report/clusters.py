"""Clusters of photos that are new, grown, shrunk or gone, with examples."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from mycovigil_statistics.drift.cluster_changes import ClusterChange, cluster_changes
from mycovigil_worker.judging.judged_window import Comparison
from mycovigil_worker.report import gallery


def changed(session: Session, comparison: Comparison) -> list[dict[str, Any]]:
    """Clusters whose share changed, the surest first; at 5% any is named on a calm night."""
    night = comparison.night
    found = cluster_changes(comparison.fitted, night.features, groups=night.dependent)
    return [_document(session, comparison, change) for change in found if change.status != "steady"]


def _document(session: Session, comparison: Comparison, change: ClusterChange) -> dict[str, Any]:
    keys = [comparison.night.keys[row] for row in change.examples]
    nearest = gallery.neighbours(session, comparison, change.examples[0]) if keys else []
    return {
        "cluster": change.cluster,
        "change": change.status,
        "reference": change.reference_share,
        "night": change.night_share,
        "p_value": change.p_value,
        "photos": list(dict.fromkeys(str(key) for key in keys if isinstance(key, uuid.UUID))),
        "neighbours": [row["ordinal"] for row in nearest],
    }
