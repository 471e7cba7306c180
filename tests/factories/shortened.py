"""Parameters of a test of whole processes: some every day, all of them by ``make whole``."""

from collections.abc import Iterable
from typing import Any

import pytest


def shortened(names: Iterable[str], *everyday: str) -> list[Any]:
    """``names`` as parameters, those but ``everyday`` under the marker ``whole``."""
    found = list(names)
    assert set(everyday) <= set(found)
    return [
        pytest.param(name, marks=() if name in everyday else pytest.mark.whole) for name in found
    ]
