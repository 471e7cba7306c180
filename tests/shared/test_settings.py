"""Settings come from the environment, are frozen, keep secrets, and refuse misspelt names."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from mycovigil.commands.settings import markdown
from mycovigil.settings import (
    DriftSettings,
    PredictorSettings,
    Settings,
    StorageSettings,
    UnknownSetting,
    variables,
)


def test_environment_overrides_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_MIN_ROWS", "77")
    assert Settings.load().drift.min_rows == 77


def test_misspelt_variable_is_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_MIN_ROW", "77")
    with pytest.raises(UnknownSetting, match="MYCOVIGIL_DRIFT_MIN_ROWS"):
        Settings.load()


def test_a_client_with_its_key_in_the_environment_may_start_a_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MYCOVIGIL_API_KEY", "myco_…")
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


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (PredictorSettings, {"key_rate": "many"}),
        (PredictorSettings, {"page_rate": "0/minute"}),
        (PredictorSettings, {"queue_size": 7, "max_files": 8}),
        (Settings, {"storage": StorageSettings(prediction_retention_days=30)}),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(
    group: type[BaseModel], values: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        group(**values)


def test_rows_may_go_once_the_longest_window_is_judged() -> None:
    Settings(storage=StorageSettings(prediction_retention_days=31))
    weekly = DriftSettings(windows=(1, 7))
    Settings(storage=StorageSettings(prediction_retention_days=8), drift=weekly)


def test_every_variable_is_described() -> None:
    assert [name for name, (description, _) in variables().items() if not description] == []


def test_the_documentation_is_the_settings() -> None:
    documented = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert documented.read_text() == markdown(), "run: mycovigil settings > docs/configuration.md"
