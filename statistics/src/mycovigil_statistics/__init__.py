"""Drift tests, calibration and risk control as pure functions on arrays. No I/O, no globals.

`fit` a reference set once, `judge` nights against it. Importing this package loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mycovigil_statistics.cluster_changes import ClusterChange, cluster_changes
    from mycovigil_statistics.judgement import Judgement, View
    from mycovigil_statistics.reference import FittedReference, fit
    from mycovigil_statistics.slices import SliceJudgement, judge_slices
    from mycovigil_statistics.two_sample import judge

_HOMES = {
    "ClusterChange": "cluster_changes",
    "FittedReference": "reference",
    "Judgement": "judgement",
    "SliceJudgement": "slices",
    "View": "judgement",
    "cluster_changes": "cluster_changes",
    "fit": "reference",
    "judge": "two_sample",
    "judge_slices": "slices",
}

__all__ = [
    "ClusterChange",
    "FittedReference",
    "Judgement",
    "SliceJudgement",
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
