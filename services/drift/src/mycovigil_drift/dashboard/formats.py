"""Numbers and times as people read them."""

import datetime
import math
from collections.abc import Callable
from typing import Any

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"


def number(value: float | None, digits: int = 3) -> str:
    """``digits`` significant digits, with a true minus sign."""
    if value is None or math.isnan(value):
        return NOTHING
    if abs(value) < 1e15 and (abs(value) >= 1000 or float(value).is_integer()):
        return count(round(value))
    return f"{value:.{digits}g}".replace("-", MINUS)


def signed(value: float) -> str:
    """With a sign in front, two digits after the point."""
    return f"{value:+.2f}".replace("-", MINUS)


def count(value: int | None) -> str:
    """Thousands set apart."""
    return NOTHING if value is None else f"{value:,}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """``0.034``, ``< 0.0001``: no more digits than a decision can use."""
    if value is None:
        return NOTHING
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def odds(value: float | None) -> str:
    """``p = 0.034``, ``p < 0.0001``; unbroken by line ends."""
    said = p_value(value)
    related = said if said.startswith("<") else f"= {said}"
    return f"p {related}".replace(" ", "\N{NO-BREAK SPACE}")


def share(value: float | None) -> str:
    """A share of one as a percentage."""
    if value is None:
        return NOTHING
    return f"{value:.1%}" if 0 < abs(value) < 0.1 else f"{value:.0%}"


def moment(value: datetime.datetime | None, seconds: bool = False) -> str:
    """``22 Nov 2026, 17:42``, in UTC."""
    if value is None:
        return NOTHING
    utc = value.astimezone(datetime.UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M:%S}" if seconds else f"{utc.day} {utc:%b %Y, %H:%M}"


def night(start: datetime.datetime, end: datetime.datetime) -> str:
    """A window in as few words as its length allows."""
    first, last = start.astimezone(datetime.UTC), end.astimezone(datetime.UTC)
    length = last - first
    if length == datetime.timedelta(days=1) and first.hour == 0:
        return f"{first.day} {first:%b %Y}"
    if length > datetime.timedelta(days=1):
        final = last - datetime.timedelta(seconds=1)
        return f"{first.day} {first:%b} to {final.day} {final:%b %Y}"
    precise = "%H:%M:%S" if length < datetime.timedelta(minutes=10) else "%H:%M"
    if (last - datetime.timedelta(microseconds=1)).date() != first.date():
        days = (f"{day.day} {day:%b}, {day.strftime(precise)}" for day in (first, last))
        return " to ".join(days)
    return f"{first.day} {first:%b}, {first.strftime(precise)} to {last.strftime(precise)}"


def span(value: datetime.timedelta) -> str:
    """A length of time in its largest fitting unit."""
    seconds = max(value.total_seconds(), 0)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            amount = round(seconds / size)
            return f"{amount} {unit}{'' if amount == 1 else 's'}"
    amount = round(seconds)
    return f"{amount} second{'' if amount == 1 else 's'}"


def ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    """How long before ``now``, in words."""
    return f"{span(now - moment)} ago"


def short(identifier: object) -> str:
    """The random tail of a UUIDv7, enough to tell two apart on one page."""
    return str(identifier)[-8:]


def sentence(text: str) -> str:
    """With a capital and a full stop; nothing stays nothing."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    """All but one entry of a document."""
    return {key: value for key, value in values.items() if key != name}


def plain(value: object) -> str:
    """A machine's word as a person's: ``novel_species`` is "novel species"."""
    return str(value).replace("_", " ")


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "signed": signed,
    "count": count,
    "p_value": p_value,
    "odds": odds,
    "share": share,
    "moment": moment,
    "span": span,
    "ago": ago,
    "short": short,
    "plain": plain,
    "without": without,
    "night": night,
    "sentence": sentence,
}
