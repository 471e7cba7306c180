"""What the services stand on: Postgres, Redis, the publisher, storage and logs."""

from pydantic import Field, SecretStr

from mycovigil.backoff import Backoff
from mycovigil.settings.group import Group, prefixed


class DatabaseSettings(Group):
    model_config = prefixed("DATABASE")
    url: SecretStr = Field(
        SecretStr("postgresql://postgres@127.0.0.1:5432/mycovigil"),
        description="Postgres 18 with pgvector, as a libpq URL.",
    )
    login: str = Field(
        "password",
        pattern="^(password|google)$",
        description="password: that of the URL or PGPASSWORD, if any; google: an access token of "
        "the account that the process runs as, for IAM users of Cloud SQL (extra 'gcs').",
    )
    pool_size: int = Field(5, ge=1, le=100, description="Connections a process keeps open.")
    request_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest wait for Postgres in the relay, the retrain trigger and commands; "
        "requests have PREDICTOR_DATABASE_SECONDS and DRIFT_DATABASE_SECONDS.",
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
    model_config = prefixed("REDIS")
    url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        description="Celery's broker, rate limits, and the publisher where Pub/Sub is not there.",
    )


class PublisherSettings(Group):
    model_config = prefixed("PUBSUB")
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
    model_config = prefixed("STORAGE")
    url: str = Field(
        ".mycovigil/storage",
        description="Models, reports, photos: a folder, file:// or gs:// (extra 'gcs').",
    )
    keep_photos: bool = Field(
        False, description="Keep uploaded photos, EXIF stripped, for galleries and labels."
    )
    photo_retention_days: int = Field(30, ge=1, description="Days a kept photo stays.")
    prediction_retention_days: int = Field(400, ge=1, description="Days a prediction row stays.")
    reference_photo_retention_days: int = Field(
        400,
        ge=1,
        description="Days that reference sets made of production's photos keep the photos; "
        "their features stay.",
    )
    event_retention_days: int = Field(
        60,
        ge=31,
        description="Days that published events, handled events, answered report requests and logs "
        "of trainings stay; Pub/Sub may deliver an event again for 31.",
    )
    audit_retention_days: int = Field(1_100, ge=1, description="Days a line of the audit stays.")


class TelemetrySettings(Group):
    model_config = prefixed("LOG")
    format: str = Field("json", pattern="^(json|console)$", description="json, or console.")
    level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Log level.")
