"""Two-sample tests of nights against a reference set, and of nights against days.

`DriftTest` judges nights by both: an alarm needs a night that is stranger than days differ.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mycovigil_statistics.drift.days.drift_test import DriftTest
    from mycovigil_statistics.drift.days.feature_geometry import FeatureGeometry
    from mycovigil_statistics.drift.days.judge import judge_days
    from mycovigil_statistics.drift.days.prediction_geometry import PredictionGeometry
    from mycovigil_statistics.drift.days.recovery import Recovery, closed_by_calm, recovery
    from mycovigil_statistics.drift.days.result import DaysResult
    from mycovigil_statistics.drift.days.sketch import DaySketch

_HOMES = {
    "DaySketch": "sketch",
    "DaysResult": "result",
    "DriftTest": "drift_test",
    "FeatureGeometry": "feature_geometry",
    "PredictionGeometry": "prediction_geometry",
    "Recovery": "recovery",
    "closed_by_calm": "recovery",
    "judge_days": "judge",
    "recovery": "recovery",
}

__all__ = [
    "DaySketch",
    "DaysResult",
    "DriftTest",
    "FeatureGeometry",
    "PredictionGeometry",
    "Recovery",
    "closed_by_calm",
    "judge_days",
    "recovery",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.days.{_HOMES[name]}"), name)
