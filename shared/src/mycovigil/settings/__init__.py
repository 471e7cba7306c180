"""Every setting of every service: typed, frozen, read once from ``MYCOVIGIL_*`` variables."""

from mycovigil.settings.drift import DriftSettings
from mycovigil.settings.environment import FOREIGN, UnknownSetting, WrongSetting
from mycovigil.settings.infrastructure import (
    DatabaseSettings,
    PublisherSettings,
    RedisSettings,
    StorageSettings,
    TelemetrySettings,
)
from mycovigil.settings.predictor import PredictorSettings
from mycovigil.settings.settings import Settings, secret_files, variables
from mycovigil.settings.training import (
    CurationSettings,
    DemoSettings,
    EncoderSettings,
    TrainingSettings,
)
from mycovigil.settings.vertex import VertexSettings
from mycovigil.settings.web import WebSettings

__all__ = [
    "FOREIGN",
    "CurationSettings",
    "DatabaseSettings",
    "DemoSettings",
    "DriftSettings",
    "EncoderSettings",
    "PredictorSettings",
    "PublisherSettings",
    "RedisSettings",
    "Settings",
    "StorageSettings",
    "TelemetrySettings",
    "TrainingSettings",
    "UnknownSetting",
    "VertexSettings",
    "WebSettings",
    "WrongSetting",
    "secret_files",
    "variables",
]
