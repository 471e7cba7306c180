"""Slices, clusters and realised figures as the worker writes them into a report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mycovigil.models.safety import CLASSES

CLIENTS = ("app-android", "app-ios", "page", "field-kit")
REALISED = {
    "as_of": "2026-11-20T06:00:00+00:00",
    "labelled": 96,
    "rows": 365,
    "deadly": {"count": 31, "missed": 3, "rate": 0.097, "low": 0.02, "high": 0.26},
    "proof": {"specimens": 31, "missed": 3.0, "e_value": 1.4, "needed": 20.0},
    "macro_recall": {"value": 0.71, "low": 0.6, "high": 0.8, "classes": 4},
    "recall": {
        name.value: {"count": 24, "right": 17, "rate": 0.71, "low": 0.49, "high": 0.87}
        for name in CLASSES
    },
}


def make_slices(rng: np.random.Generator, drifted: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Clients, hours, predicted classes and versions; ``drifted`` names values that drift."""
    values = [("client", client) for client in CLIENTS]
    values += [("predicted_class", name.value) for name in CLASSES]
    values += [("hour", str(hour)) for hour in range(6, 22)]
    values += [("app_version", version) for version in ("4.1", "4.2")]
    return [_slice(rng, dimension, value, value in drifted) for dimension, value in values]


def make_clusters(
    photos: Sequence[str] = (), neighbours: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """One that is new and one that is gone."""
    rows = (("new", 0.0, 0.11, 0.0003), ("gone", 0.06, 0.0, 0.004))
    return [
        {
            "cluster": number,
            "change": change,
            "reference": reference,
            "night": night,
            "p_value": p_value,
            "photos": list(photos),
            "neighbours": list(neighbours),
        }
        for number, (change, reference, night, p_value) in enumerate(rows)
    ]


def _slice(rng: np.random.Generator, dimension: str, value: str, drifted: bool) -> dict[str, Any]:
    rows = int(rng.integers(10, 160))
    thin = rows < 30 and not drifted
    classes = dimension == "predicted_class"
    days: dict[str, Any] = {"days": 11, "detectable": 2.4} if classes and not thin else {}
    p_value = None if thin else 0.0002 if drifted else float(rng.uniform(0.01, 1))
    return {
        "dimension": dimension,
        "value": value,
        "rows": rows,
        "p_value": p_value,
        "level": 0.001,
        "verdict": "insufficient" if thin else "drift" if drifted else "calm",
        "effect": 0.0 if thin else float(rng.uniform(0, 1)),
    } | days
