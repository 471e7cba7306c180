"""The few figures by which two data versions or recipes are compared."""

from typing import Any

NAMES = ("macro_recall", "macro_f1", "harmful_auroc", "calibration_error")


def leading(figures: dict[str, Any]) -> dict[str, Any]:
    """Numbers alone, by judgement and recipe."""
    return {
        judgement: {name: leading_figures(found) for name, found in figures[judgement].items()}
        for judgement in ("models", "species_left_out", "from_other", "to_other")
        if figures[judgement]
    }


def leading_figures(found: dict[str, Any]) -> dict[str, float | None]:
    """Of one recipe's :func:`mycovigil_training.evaluate.measures.measures`."""
    deadly = found["recall"].get("deadly")
    return {
        **{name: found[name] for name in NAMES},
        "deadly_recall": deadly and deadly["estimate"],
        "poison_cost": found["poison_cost"]["track_2"],
        "poison_cost_combined": found["poison_cost"]["combined"],
    }
