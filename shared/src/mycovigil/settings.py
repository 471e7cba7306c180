"""Every setting of every service: typed, frozen, read once from ``MYCOVIGIL_*`` variables."""

import difflib
import ipaddress
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mycovigil.backoff import Backoff

PREFIX = "MYCOVIGIL_"
FOREIGN = frozenset({"MYCOVIGIL_PHOTOS", "MYCOVIGIL_STUDY_RUNS", "MYCOVIGIL_API_KEY"})
"""Variables with our prefix that belong to tests and clients, not to the settings."""
DAY_SECONDS = 86_400
RATE = "^[1-9][0-9]{0,8}/(second|minute|hour|day)$"


class Group(BaseSettings):
    """A frozen group of settings; each field's description is its documentation."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")


def _prefix(name: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=f"{PREFIX}{name}_", frozen=True, extra="forbid")


class DatabaseSettings(Group):
    model_config = _prefix("DATABASE")
    url: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/mycovigil"),
        description="Postgres 18 with pgvector, as a libpq URL.",
    )
    pool_size: int = Field(5, ge=1, le=100, description="Connections a process keeps open.")
    request_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest wait for Postgres in a request of the drift API, in its relay, in the "
        "retrain trigger and in commands; the predictor has PREDICTOR_DATABASE_SECONDS.",
    )
    job_seconds: float = Field(
        600.0,
        gt=0,
        description="Longest wait for one statement of a judgement, a training or a migration.",
    )
    partitions_ahead: int = Field(
        30, ge=1, le=60, description="Daily partitions of predictions made ahead."
    )


class RedisSettings(Group):
    model_config = _prefix("REDIS")
    url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Celery's broker, rate limits, and the publisher where Pub/Sub is not there.",
    )


class PublisherSettings(Group):
    model_config = _prefix("PUBSUB")
    backend: str = Field(
        "pubsub",
        pattern="^(pubsub|redis)$",
        description="pubsub (Google, or its emulator by PUBSUB_EMULATOR_HOST) or redis (Streams).",
    )
    project: str = Field("mycovigil-local", description="Google Cloud project of the topics.")
    topic_prefix: str = Field(
        "mycovigil", description="Topics are <prefix>.alerts, .models, .dead-letter."
    )
    ack_deadline: int = Field(60, ge=10, le=600, description="Seconds to acknowledge a message.")
    max_delivery_attempts: int = Field(
        5, ge=5, le=100, description="Deliveries before a message goes to the dead-letter topic."
    )
    backoff_min: int = Field(
        10, ge=0, le=600, description="Seconds a refused message waits; doubled each time."
    )
    backoff_max: int = Field(600, ge=0, le=600, description="The longest such wait, in seconds.")

    @property
    def backoff(self) -> Backoff:
        """How long a refused message waits."""
        return Backoff(self.backoff_min, self.backoff_max)


class StorageSettings(Group):
    model_config = _prefix("STORAGE")
    url: str = Field(
        ".mycovigil/storage",
        description="Models, reports, photos: a folder, file:// or gs:// (extra 'gcs').",
    )
    keep_photos: bool = Field(
        False, description="Keep uploaded photos, EXIF stripped, for galleries and labels."
    )
    photo_retention_days: int = Field(30, ge=1, description="Days a kept photo stays.")
    prediction_retention_days: int = Field(400, ge=1, description="Days a prediction row stays.")


class EncoderSettings(Group):
    model_config = _prefix("ENCODER")
    uri: str = Field(
        "mini/int8",
        description="The encoder new models are trained on: a packaged name or a folder.",
    )


class PredictorSettings(Group):
    model_config = _prefix("PREDICTOR")
    host: str = Field("127.0.0.1", description="Address the predictor listens on.")
    port: int = Field(
        8000, ge=0, le=65535, description="Port of the predictor; 0 takes a free one."
    )
    max_upload_bytes: int = Field(20_000_000, ge=10_000, description="Largest accepted photo.")
    max_pixels: int = Field(
        60_000_000,
        ge=10_000,
        description="Most pixels of an accepted JPEG; whatever cannot be decoded at a fraction of "
        "its size (other formats, progressive JPEGs) may have 25,000,000.",
    )
    max_files: int = Field(8, ge=1, le=32, description="Photos of one specimen in one request.")
    max_connections: int = Field(
        4_096, ge=8, description="Connections at once; the next are told 503 and closed."
    )
    header_seconds: float = Field(
        10.0, gt=0, le=600, description="Time for a request's headers; then 400, and closed."
    )
    batch_size: int = Field(8, ge=1, le=256, description="Largest micro-batch of the encoder.")
    batch_wait_ms: float = Field(
        2.0, ge=0, le=100, description="Longest wait for a batch to fill while the engine is busy."
    )
    queue_size: int = Field(256, ge=1, description="Photos in waiting before 429 is answered.")
    engines: int = Field(2, ge=1, le=64, description="Encoder sessions of one thread each.")
    decode_threads: int = Field(2, ge=1, le=64, description="Threads that decode photos.")
    deadline_seconds: float = Field(30, gt=0, description="Longest time a request may take.")
    database_seconds: float = Field(
        3.0, gt=0, description="Longest wait for Postgres in a request before rows are spooled."
    )
    reload_seconds: float = Field(
        1.0, gt=0, description="How often the production model is checked beside NOTIFY."
    )
    spool_path: Path = Field(
        Path(".mycovigil/spool.sqlite"),
        description="Where rows wait while Postgres is away; each predictor needs its own.",
    )
    spool_max_rows: int = Field(100_000, ge=100, description="Rows the spool takes before 503.")
    public_page: bool = Field(
        False, description="The upload page may predict without a key, limited by address."
    )
    page_rate: str = Field(
        "20/minute", pattern=RATE, description="Rate limit of the upload page per address."
    )
    key_rate: str = Field("6000/minute", pattern=RATE, description="Rate limit per API key.")
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins allowed by CORS; none by default."
    )
    poison_centre: str = Field(
        "your local poison centre or emergency number",
        description="Whom the upload page tells people to call.",
    )

    @model_validator(mode="after")
    def _a_specimen_has_room(self) -> Self:
        if self.queue_size < self.max_files:
            raise ValueError(
                f"QUEUE_SIZE ({self.queue_size}) is below MAX_FILES ({self.max_files}): "
                "a specimen with the most photos would always be told to come back later"
            )
        return self


class WebSettings(Group):
    model_config = _prefix("WEB")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks of proxies, separated by commas, whose X-Forwarded-For "
        "and X-Forwarded-Proto the predictor and the drift API believe; none by default.",
    )

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ipaddress.ip_network(one)
        return value


class DriftSettings(Group):
    model_config = _prefix("DRIFT")
    host: str = Field("127.0.0.1", description="Address the drift API listens on.")
    port: int = Field(
        8001, ge=0, le=65535, description="Port of the drift API; 0 takes a free one."
    )
    period_seconds: float = Field(
        86_400, gt=0, description="Length of a night's window; windows are aligned to the epoch."
    )
    grace_seconds: float = Field(
        900,
        ge=0,
        description="Wait after a window's end for late rows before it is judged. Nights of a day "
        "end at 00:00 UTC, so this sets the hour: 900 is 00:15, 25200 is 07:00.",
    )
    windows: tuple[Literal[1, 7, 15, 30], ...] = Field(
        (1, 7, 15, 30),
        description="Lengths of the windows judged, in periods: nights (1), and the longer ones "
        "that catch slow drift. What is left out leaves its share of the budget unspent.",
    )
    catch_up_periods: int = Field(
        400, ge=1, description="How far back missing reports are made; beyond it rows are gone."
    )
    monthly_budget: float = Field(
        0.10, gt=0, lt=1, description="Chance of one false page a month, over all tests."
    )
    min_rows: int = Field(50, ge=30, description="Fewer rows are 'insufficient'.")
    sample_rows: int = Field(5_000, ge=50, description="Rows of a window that the test reads.")
    seed: int = Field(
        20_261_122, ge=0, description="Seed of sampling and permutations, kept in reports."
    )
    public_dashboard: bool = Field(
        False, description="The dashboard's pages may be read without a key."
    )
    key_rate: str = Field("6000/minute", pattern=RATE, description="Rate limit per API key.")
    address_rate: str = Field(
        "1200/minute",
        pattern=RATE,
        description="Rate limit per address of requests without a key (public dashboard, login).",
    )
    relay_seconds: float = Field(1.0, gt=0, description="Outbox poll beside LISTEN/NOTIFY.")
    heartbeat: Path | None = Field(
        None,
        description="File that beat or the retrain trigger touches on every round, for health "
        "checks; none is touched without it.",
    )


class TrainingSettings(Group):
    model_config = _prefix("TRAINING")
    dataset: Path = Field(
        Path(".mycovigil/dataset"), description="Curated folder: Classes/<class>/<species>/*."
    )
    command: tuple[str, ...] = Field(
        ("python", "-m", "mycovigil_training"),
        description="How the worker starts training, as JSON; 'python' is this interpreter.",
    )
    timeout_seconds: float = Field(21_600, gt=0, description="Longest retrain before it is killed.")
    auto_promote: bool = Field(
        True, description="A candidate that passes the gate goes live by itself."
    )
    miss_margin: float = Field(
        0.05, gt=0, lt=1, description="Deadly-miss rate a candidate must be shown not to add."
    )


class TelemetrySettings(Group):
    model_config = _prefix("LOG")
    format: str = Field("json", pattern="^(json|console)$", description="json, or console.")
    level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Log level.")


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
        TrainingSettings,
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
    training: TrainingSettings = Field(default_factory=TrainingSettings)
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

    @classmethod
    def load(cls) -> Self:
        """Read the environment; raise :class:`UnknownSetting` on a misspelt variable."""
        _refuse_unknown(os.environ)
        return cls()

    def masked(self) -> dict[str, Any]:
        """The settings as JSON, secrets as asterisks, for the log line at boot."""
        return self.model_dump(mode="json")

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.drift.period_seconds)


class UnknownSetting(ValueError):
    """A ``MYCOVIGIL_`` variable that no setting reads, most often a typing mistake."""


def variables() -> dict[str, tuple[str, Any]]:
    """Every environment variable with its description and default, for docs and checks."""
    found: dict[str, tuple[str, Any]] = {}
    for group in Settings.groups:
        prefix = str(group.model_config["env_prefix"])
        for name, field in group.model_fields.items():
            found[(prefix + name).upper()] = (field.description or "", field.get_default())
    return found


def _refuse_unknown(environment: "os._Environ[str] | dict[str, str]") -> None:
    known = variables()
    for name in environment:
        if name.startswith(PREFIX) and name not in known and name not in FOREIGN:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UnknownSetting(f"{name} is not a setting of Mycovigil.{hint}")
