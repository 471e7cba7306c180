"""Windows of time that are judged: half-open, aligned to the epoch, in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Rows with ``start <= created_at < end``; ``periods`` whole nights long, 0 where the window
    is not made of nights."""

    start: datetime
    end: datetime
    periods: int = 1

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window's ends need a time zone; use UTC")
        if self.end <= self.start:
            raise ValueError(f"the window ends ({self.end}) before it starts ({self.start})")

    @property
    def middle(self) -> datetime:
        return self.start + (self.end - self.start) / 2

    @property
    def kind(self) -> str:
        return f"{self.periods}p"


def index_of(moment: datetime, period: timedelta) -> int:
    """The number of the period that holds ``moment``, counted from the epoch."""
    return (moment - EPOCH) // period


def night(index: int, period: timedelta) -> Window:
    """Period number ``index`` as a window."""
    start = EPOCH + index * period
    return Window(start, start + period)


def containing(moment: datetime, period: timedelta) -> Window:
    """The period that holds ``moment``."""
    return night(index_of(moment, period), period)


def closed(
    since: datetime, now: datetime, period: timedelta, *, grace: timedelta
) -> Iterator[Window]:
    """Periods from the one holding ``since`` that have ended at least ``grace`` before ``now``."""
    index = index_of(since, period)
    while (window := night(index, period)).end + grace <= now:
        yield window
        index += 1


def asked(start: datetime, end: datetime, period: timedelta) -> Window:
    """Any stretch of time as a window; its ``periods`` count only where both ends are borders."""
    borders = (start - EPOCH) % period == (end - EPOCH) % period == timedelta(0)
    return Window(start, end, (end - start) // period if borders else 0)


def ending_with(window: Window, periods: int, period: timedelta) -> Window:
    """The longer window of ``periods`` nights whose last night is ``window``."""
    return Window(window.end - periods * period, window.end, periods)
