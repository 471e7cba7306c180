"""Each service installs without the others' heavy dependencies."""

import re
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement

HEAVY = {"torch", "torchvision", "lightning", "onnxruntime", "evidently", "celery", "fastapi"}
MAY = {
    "mycovigil": set(),
    "mycovigil-statistics": set(),
    "mycovigil-simulator": set(),
    "mycovigil-web": {"fastapi"},
    "mycovigil-predictor": {"onnxruntime", "fastapi"},
    "mycovigil-drift": {"fastapi"},
    "mycovigil-worker": {"evidently", "celery"},
    "mycovigil-training": {"torch", "torchvision", "lightning", "onnxruntime"},
}


def closure(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Names of all distributions that installing ``name`` brings on this machine."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, extras)]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        waiting.extend(_needs(*current))
    return {found for found, _ in seen}


def _needs(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return []
    needed = [Requirement(line) for line in lines]
    return [
        (re.sub(r"[-_.]+", "-", one.name).lower(), frozenset(one.extras))
        for one in needed
        if one.marker is None
        or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]


@pytest.mark.parametrize("room", MAY)
def test_a_room_brings_only_its_own_heavy_dependencies(room: str) -> None:
    assert closure(room) & HEAVY == MAY[room]


def test_the_walk_sees_far_dependencies() -> None:
    assert {"pandas", "plotly", "numpy", "mycovigil", "mycovigil-statistics"} <= closure(
        "mycovigil-worker"
    )
