"""All groups of settings together."""

import os
import sys
from datetime import timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsError

from mycovigil.settings.drift import DriftSettings
from mycovigil.settings.environment import UnknownSetting, WrongSetting, check, wrong
from mycovigil.settings.group import PREFIX, Group
from mycovigil.settings.infrastructure import (
    DatabaseSettings,
    PublisherSettings,
    RedisSettings,
    StorageSettings,
    TelemetrySettings,
)
from mycovigil.settings.predictor import PredictorSettings
from mycovigil.settings.secret_file import SUFFIX, WrongSecret
from mycovigil.settings.training import (
    CurationSettings,
    DemoSettings,
    EncoderSettings,
    TrainingSettings,
)
from mycovigil.settings.vertex import VertexSettings
from mycovigil.settings.web import WebSettings

DAY_SECONDS = 86_400


class Settings(BaseModel):
    """All groups together; :meth:`load` reads the environment once, at a composition root."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    groups: ClassVar[tuple[type[Group], ...]] = (
        DatabaseSettings,
        RedisSettings,
        PublisherSettings,
        StorageSettings,
        EncoderSettings,
        WebSettings,
        PredictorSettings,
        DriftSettings,
        CurationSettings,
        TrainingSettings,
        VertexSettings,
        DemoSettings,
        TelemetrySettings,
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    publisher: PublisherSettings = Field(default_factory=PublisherSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    encoder: EncoderSettings = Field(default_factory=EncoderSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    predictor: PredictorSettings = Field(default_factory=PredictorSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    curation: CurationSettings = Field(default_factory=CurationSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    vertex: VertexSettings = Field(default_factory=VertexSettings)
    demo: DemoSettings = Field(default_factory=DemoSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @model_validator(mode="after")
    def _rows_outlive_their_windows(self) -> Self:
        days = self.storage.prediction_retention_days
        longest = max(self.drift.windows, default=0) * self.drift.period_seconds
        if days * DAY_SECONDS < longest + self.drift.grace_seconds:
            raise ValueError(
                f"STORAGE_PREDICTION_RETENTION_DAYS ({days}) drops rows before the longest of "
                f"DRIFT_WINDOWS is judged, {longest / DAY_SECONDS:g} days: keep rows longer, or "
                "leave that window out"
            )
        return self

    @model_validator(mode="after")
    def _photos_have_rows(self) -> Self:
        photos, rows = self.storage.photo_retention_days, self.storage.prediction_retention_days
        meant = self.storage.keep_photos or "photo_retention_days" in self.storage.model_fields_set
        if meant and photos > rows:
            raise ValueError(
                f"STORAGE_PHOTO_RETENTION_DAYS ({photos}) is above "
                f"STORAGE_PREDICTION_RETENTION_DAYS ({rows}): a photo whose rows are gone can be "
                "shown nowhere; keep rows as long as photos"
            )
        return self

    @model_validator(mode="after")
    def _vertex_is_described(self) -> Self:
        if self.training.launcher == "vertex":
            needed = ("project", "image", "service_account")
            absent = [name for name in needed if not getattr(self.vertex, name)]
            if absent:
                names = ", ".join(f"{PREFIX}VERTEX_{name.upper()}" for name in absent)
                raise ValueError(f"{PREFIX}TRAINING_LAUNCHER is vertex: set {names}")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises:
            UnknownSetting: a misspelt variable.
            WrongSetting: a value that cannot be used.
        """
        check(os.environ, {*variables(), *secret_files()})
        try:
            return cls()
        except SettingsError as error:
            if isinstance(error.__cause__, WrongSecret):
                raise WrongSetting(str(error.__cause__)) from None
            raise
        except ValidationError as error:
            raise wrong(error) from error

    @classmethod
    def load_or_exit(cls) -> Self:
        """As :meth:`load`, for a service's start: what is wrong is one sentence, no traceback."""
        try:
            return cls.load()
        except (UnknownSetting, WrongSetting) as error:
            sys.exit(str(error))

    def masked(self) -> dict[str, Any]:
        """The settings as JSON, secrets as asterisks, for the log line at boot."""
        return self.model_dump(mode="json")

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.drift.period_seconds)


def variables() -> dict[str, tuple[str, Any]]:
    """Every environment variable with its description and default, for docs and checks."""
    found: dict[str, tuple[str, Any]] = {}
    for group in Settings.groups:
        prefix = str(group.model_config["env_prefix"])
        for name, field in group.model_fields.items():
            found[(prefix + name).upper()] = (field.description or "", field.get_default())
    return found


def secret_files() -> tuple[str, ...]:
    """The variables that name files of secrets."""
    defaults = {name: default for name, (_, default) in variables().items()}
    return tuple(
        name + SUFFIX for name, default in defaults.items() if isinstance(default, SecretStr)
    )
