"""The predictor."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from mycovigil.settings.group import Group, prefixed
from mycovigil.settings.web import RATE


class PredictorSettings(Group):
    model_config = prefixed("PREDICTOR")
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
    page_uploads: int = Field(
        16,
        ge=1,
        description="Uploads of the page at once; slow ones take no places of the API's.",
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
