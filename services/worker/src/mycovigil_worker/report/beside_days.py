"""What a report holds of the comparison with the baseline's days."""

from typing import Any

from mycovigil_statistics.drift import DaysResult
from mycovigil_worker.judging.judged_window import Comparison

# What a view looks at; the others look at the photos themselves.
GROUPS = {"covariates": "camera and light", "predictions": "answers", "novelty": "novelty"}


def views(comparison: Comparison) -> list[dict[str, Any]]:
    """A view each: its p-value by days, and the night's shift over what days differ by."""
    result = comparison.days.result if comparison.days else None
    return documents(result) if result else []


def documents(result: DaysResult) -> list[dict[str, Any]]:
    """The views of a result, as stored."""
    return [
        {
            "name": view.name,
            "group": GROUPS.get(view.name, "photos"),
            "p_value": view.p_value,
            "effect": view.ratio,
            "rank": view.rank,
        }
        for view in result.views
    ]


def document(comparison: Comparison) -> dict[str, Any] | None:
    """How the window was compared, beside the figures that are columns of the report.

    ``learning``: what is said in place of a result; ``informs``: the verdict pages nobody.
    """
    days = comparison.days
    if days is None:
        return None
    result = days.result
    return {
        "learning": days.learning,
        "informs": days.informs,
        "notes": days.notes,
        "units": result.units if result else None,
        "left_out": list(result.left_out) if result else [],
        "first": days.days[0].span[0].isoformat() if days.days else None,
        "last": days.days[-1].span[1].isoformat() if days.days else None,
    }
