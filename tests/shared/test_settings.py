"""Settings come from the environment, are frozen, keep secrets, and refuse misspelt names."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from factories.shortened import shortened
from pydantic import BaseModel, ValidationError

from mycovigil.commands.settings import markdown
from mycovigil.settings import (
    DriftSettings,
    PredictorSettings,
    Settings,
    StorageSettings,
    UnknownSetting,
    WrongSetting,
    environment,
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


@pytest.mark.parametrize("given", [{"photo_retention_days": 31}, {"keep_photos": True}])
def test_photos_do_not_outlive_their_rows(given: dict[str, Any]) -> None:
    weekly = DriftSettings(windows=(1, 7))
    storage = StorageSettings(prediction_retention_days=29, **given)
    with pytest.raises(ValidationError, match="STORAGE_PHOTO_RETENTION_DAYS"):
        Settings(storage=storage, drift=weekly)


def test_the_documentation_is_the_settings() -> None:
    documented = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert documented.read_text() == markdown(), "run: mycovigil settings > docs/configuration.md"


LINKS = {
    "MYCOVIGIL_PREDICTOR_SERVICE_HOST": "10.0.0.1",
    "MYCOVIGIL_PREDICTOR_SERVICE_PORT": "8000",
    "MYCOVIGIL_PREDICTOR_SERVICE_PORT_HTTP": "8000",
    "MYCOVIGIL_PREDICTOR_PORT": "tcp://10.0.0.1:8000",
    "MYCOVIGIL_PREDICTOR_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "MYCOVIGIL_PREDICTOR_PORT_8000_TCP_PROTO": "tcp",
    "MYCOVIGIL_PREDICTOR_PORT_8000_TCP_PORT": "8000",
    "MYCOVIGIL_PREDICTOR_PORT_8000_TCP_ADDR": "10.0.0.1",
    "MYCOVIGIL_SERVICE_HOST": "10.0.0.2",
    "MYCOVIGIL_PORT": "tcp://10.0.0.2:80",
}


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> None:
    environment._report.cache_clear()
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)


def test_service_links_of_kubernetes_change_nothing(
    links: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert (Settings.load(), Settings.load()) == (Settings(), Settings())
    assert Settings.load().predictor.port == 8000
    (record,) = caplog.records
    assert "MYCOVIGIL_PREDICTOR_PORT_8000_TCP_ADDR" in record.getMessage()


def test_a_port_of_our_own_is_read_beside_service_links(
    links: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MYCOVIGIL_PREDICTOR_PORT", "8123")
    assert Settings.load().predictor.port == 8123
    (record,) = caplog.records
    assert "MYCOVIGIL_PREDICTOR_PORT," not in record.getMessage()


@pytest.mark.parametrize(
    "name",
    ["MYCOVIGIL_PREDCTOR_PORT", "MYCOVIGIL_PREDICTOR_PROT", "MYCOVIGIL_PREDICTOR_PORT_8000"],
)
def test_a_misspelt_port_is_refused_beside_service_links(
    links: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "8123")
    with pytest.raises(UnknownSetting, match=r"Did you mean MYCOVIGIL_PREDICTOR_PORT\?"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("DRIFT_WINDOWS", "1,7", (1, 7)),
        ("DRIFT_WINDOWS", " 1 , 7, ", (1, 7)),
        ("DRIFT_WINDOWS", "1", (1,)),
        ("DRIFT_WINDOWS", "[1, 7]", (1, 7)),
        ("DRIFT_WINDOWS", "", ()),
        ("PREDICTOR_CORS_ORIGINS", "https://a.example", ("https://a.example",)),
        ("PREDICTOR_CORS_ORIGINS", "http://a:1, http://b", ("http://a:1", "http://b")),
        ("PREDICTOR_CORS_ORIGINS", '["https://a.example"]', ("https://a.example",)),
        ("WEB_TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.7", ("10.0.0.0/8", "192.0.2.7")),
        ("TRAINING_COMMAND", "python -m 'my training'", ("python", "-m", "my training")),
        ("TRAINING_COMMAND", '["python", "-m"]', ("python", "-m")),
    ],
)
def test_lists_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: tuple[Any, ...]
) -> None:
    monkeypatch.setenv(f"MYCOVIGIL_{name}", value)
    group, _, field = name.lower().partition("_")
    assert getattr(getattr(Settings.load(), group), field) == read


@pytest.mark.parametrize("value", ["1,2", "one", "[1, 7", "1;7"])
def test_a_list_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_WINDOWS", value)
    with pytest.raises(WrongSetting, match="MYCOVIGIL_DRIFT_WINDOWS is wrong"):
        Settings.load()


@pytest.mark.parametrize("value", shortened(["[1,", "x", "1,2"], "x"))
@pytest.mark.parametrize("service", ["mycovigil_predictor", "mycovigil_drift"])
def test_a_wrong_setting_ends_a_service_with_one_sentence(service: str, value: str) -> None:
    environment = os.environ | {"MYCOVIGIL_DRIFT_WINDOWS": value}
    command = [sys.executable, "-m", service]
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.startswith("MYCOVIGIL_DRIFT_WINDOWS is wrong: ")
    assert len(done.stderr.splitlines()) == 1


URL, FILE = "MYCOVIGIL_DATABASE_URL", "MYCOVIGIL_DATABASE_URL_FILE"


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://someone:p%40ss@db/mycovigil\n")
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv(FILE, str(secret))
    url = Settings.load().database.url
    assert url.get_secret_value() == "postgresql://someone:p%40ss@db/mycovigil"


def test_a_secret_that_is_given_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://someone:hidden@db/mycovigil")
    monkeypatch.setenv(URL, "postgresql://db/mycovigil")
    monkeypatch.setenv(FILE, str(secret))
    with pytest.raises(WrongSetting, match=f"^{URL} and {FILE} are both set: remove one of them"):
        Settings.load()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\xff\xfe", "is no text in UTF-8"),
    ],
)
def test_a_secret_that_cannot_be_read_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, why: str
) -> None:
    secret = tmp_path / "url"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.setenv(FILE, str(secret))
    with pytest.raises(WrongSetting) as refused:
        Settings.load()
    assert str(refused.value).startswith(f"{FILE}: {secret} {why}")
    assert "\n" not in str(refused.value)


def test_a_setting_that_is_no_secret_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYCOVIGIL_DRIFT_MIN_ROWS_FILE", "/run/secrets/rows")
    with pytest.raises(UnknownSetting):
        Settings.load()
