"""``mycovigil demo``: what it says where it cannot run."""

import sys

import pytest

from mycovigil_simulator.demo.command import app


def test_a_missing_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mycovigil_local.process", None)
    with pytest.raises(SystemExit, match=r"mycovigil_local\.process.*mycovigil-simulator\[demo\]"):
        app(args=[], standalone_mode=False)
