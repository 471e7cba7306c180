"""Settings come from the environment, are frozen, keep secrets, and refuse misspelt names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mycovigil.commands.settings import markdown
from mycovigil.settings import DriftSettings, Settings, UnknownSetting, variables


def test_environment_overrides_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_MIN_ROWS", "77")
    assert Settings.load().drift.min_rows == 77


def test_misspelt_variable_is_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_MIN_ROW", "77")
    with pytest.raises(UnknownSetting, match="MYCOVIGIL_DRIFT_MIN_ROWS"):
        Settings.load()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().drift.min_rows = 1  # type: ignore[misc]


def test_secrets_are_masked() -> None:
    masked = str(Settings().masked())
    assert "postgresql://" not in masked
    assert "redis://" not in masked


def test_a_budget_of_one_is_refused() -> None:
    with pytest.raises(ValidationError):
        DriftSettings(monthly_budget=1.0)


def test_every_variable_is_described() -> None:
    assert [name for name, (description, _) in variables().items() if not description] == []


def test_the_documentation_is_the_settings() -> None:
    documented = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert documented.read_text() == markdown(), "run: mycovigil settings > docs/configuration.md"
