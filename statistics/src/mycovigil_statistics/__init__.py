"""Drift tests, calibration and risk control as pure functions on arrays. No I/O, no globals.

`DriftTest` judges nights beside days; `fit` and `judge` compare two sets of rows. Importing this
package loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mycovigil_statistics.drift.cluster_changes import ClusterChange, cluster_changes
    from mycovigil_statistics.drift.days.drift_test import DriftTest
    from mycovigil_statistics.drift.reference import FittedReference, fit
    from mycovigil_statistics.drift.result import DriftResult, View
    from mycovigil_statistics.drift.slices import SliceResult, judge_slices
    from mycovigil_statistics.drift.two_sample import judge

_HOMES = {
    "ClusterChange": "drift.cluster_changes",
    "FittedReference": "drift.reference",
    "DriftResult": "drift.result",
    "DriftTest": "drift.days.drift_test",
    "SliceResult": "drift.slices",
    "View": "drift.result",
    "cluster_changes": "drift.cluster_changes",
    "fit": "drift.reference",
    "judge": "drift.two_sample",
    "judge_slices": "drift.slices",
}

__all__ = [
    "ClusterChange",
    "DriftResult",
    "DriftTest",
    "FittedReference",
    "SliceResult",
    "View",
    "cluster_changes",
    "fit",
    "judge",
    "judge_slices",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
