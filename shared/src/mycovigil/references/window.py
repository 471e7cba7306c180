"""Windows of time that are judged: half-open, made of whole nights wherever a plan makes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


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

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights tile time; each has a number, counted from the epoch.

    Where a night is a day (``period`` of 24 hours) it is a date of ``zone``, from midnight to
    midnight: 23 to 25 hours where clocks change. Other nights are ``period`` long.
    """

    period: timedelta
    zone: tzinfo = UTC

    def index_of(self, moment: datetime) -> int:
        """The number of the night that holds ``moment``."""
        if self.period == DAY:
            return moment.astimezone(self.zone).date().toordinal() - EPOCH.toordinal()
        return (moment - EPOCH) // self.period

    def night(self, index: int) -> Window:
        """Night number ``index`` as a window, in UTC."""
        return Window(self._start(index), self._start(index + 1))

    def _start(self, index: int) -> datetime:
        if self.period == DAY:
            date = (EPOCH + index * DAY).date()
            return datetime.combine(date, time(), tzinfo=self.zone).astimezone(UTC)
        return EPOCH + index * self.period

    def containing(self, moment: datetime) -> Window:
        """The night that holds ``moment``."""
        return self.night(self.index_of(moment))

    def closed(self, since: datetime, now: datetime, *, grace: timedelta) -> Iterator[Window]:
        """Nights from the one holding ``since`` that have ended at least ``grace`` before
        ``now``."""
        index = self.index_of(since)
        while (window := self.night(index)).end + grace <= now:
            yield window
            index += 1

    def asked(self, start: datetime, end: datetime) -> Window:
        """Any stretch of time as a window; its ``periods`` count only where both ends are
        borders."""
        first, last = self.index_of(start), self.index_of(end)
        borders = self._start(first) == start and self._start(last) == end
        return Window(start, end, last - first if borders else 0)

    def ending_with(self, window: Window, periods: int) -> Window:
        """The longer window of ``periods`` nights whose last night is ``window``."""
        first = self.index_of(window.start) - periods + 1
        return Window(self._start(first), window.end, periods)

    def split(self, window: Window) -> list[Window]:
        """The window night by night; its first and last part may be less than a night."""
        index, parts, start = self.index_of(window.start), [], window.start
        while start < window.end:
            end = min(self._start(index + 1), window.end)
            parts.append(Window(start, end))
            index, start = index + 1, end
        return parts
