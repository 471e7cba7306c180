"""Judging nights, and the drift API."""

from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from mycovigil.backoff import Backoff
from mycovigil.references.window import Nights
from mycovigil.settings.group import Group, prefixed
from mycovigil.settings.web import RATE


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


class DriftSettings(Group):
    model_config = prefixed("DRIFT")
    host: str = Field("127.0.0.1", description="Address the drift API listens on.")
    port: int = Field(
        8001, ge=0, le=65535, description="Port of the drift API; 0 takes a free one."
    )
    public_url: str = Field(
        "http://127.0.0.1:8001",
        pattern="^https?://[^ ]+[^ /]$",
        description="Address at which people reach the dashboard; Prometheus' alerts link to it.",
    )
    period_seconds: float = Field(
        86_400, gt=0, description="Length of a night's window; windows are aligned to the epoch."
    )
    zone: str = Field(
        "UTC",
        description="Time zone, by its IANA name (Europe/Berlin), at whose midnight a day ends. "
        "Where a night is not a day, nights are aligned to the epoch.",
    )
    baseline_days: int = Field(
        28,
        ge=3,
        le=366,
        description="Days at which a baseline stands still and grows no further; of an accepted "
        "new normal's days the newest as many count.",
    )
    grace_seconds: float = Field(
        900,
        ge=0,
        description="Wait after a window's end for late rows before it is judged. Nights of a day "
        "end at midnight, so this sets the hour: 900 is 00:15, 25200 is 07:00.",
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
    sample_rows: int = Field(
        5_000,
        ge=50,
        description="Rows of a night that the test reads; of a longer window as many a night, at "
        "most 20,000.",
    )
    seed: int = Field(
        20_261_122, ge=0, description="Seed of sampling and permutations, kept in reports."
    )
    night_attempts: int = Field(
        4, ge=1, le=20, description="How often a night that fails is judged before an alert."
    )
    night_backoff_seconds: float = Field(
        600, gt=0, description="Wait after a night's first failure; doubled with each further one."
    )
    night_backoff_longest_seconds: float = Field(7_200, gt=0, description="The longest such wait.")
    public_dashboard: bool = Field(
        False, description="The dashboard's pages may be read without a key."
    )
    database_seconds: float = Field(
        10.0,
        gt=0,
        description="Longest wait for Postgres in a request of the drift API, which then answers "
        "503; a server that is silent is given up sooner.",
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
        description="File that worker, beat or retrain trigger touches while it works and Postgres "
        "answers, for health checks by the file's age; none is touched without it.",
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            _zone(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is called {value!r}") from error
        return value

    @property
    def nights(self) -> Nights:
        """The nights that are judged."""
        return Nights(timedelta(seconds=self.period_seconds), _zone(self.zone))

    @property
    def night_backoff(self) -> Backoff:
        """How long a failed night waits to be judged again."""
        return Backoff(self.night_backoff_seconds, self.night_backoff_longest_seconds)
