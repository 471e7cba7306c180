"""Numbers and times as text, and the template filters of the same names."""

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
    """With a sign, and two digits after the point."""
    return f"{value:+.2f}".replace("-", MINUS)


def count(value: int | None) -> str:
    """With separators of thousands."""
    return NOTHING if value is None else f"{value:,}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """``0.034``, ``< 0.0001``: two significant digits at most."""
    if value is None:
        return NOTHING
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def p_equals(value: float | None) -> str:
    """``p = 0.034``, ``p < 0.0001``, with no-break spaces."""
    text = p_value(value)
    relation = text if text.startswith("<") else f"= {text}"
    return f"p {relation}".replace(" ", "\N{NO-BREAK SPACE}")


def share(value: float | None) -> str:
    """A fraction as a percentage."""
    if value is None:
        return NOTHING
    return f"{value:.1%}" if 0 < abs(value) < 0.1 else f"{value:.0%}"


def moment(value: datetime.datetime | None, seconds: bool = False) -> str:
    """``22 Nov 2026, 17:42``, in UTC."""
    if value is None:
        return NOTHING
    utc = value.astimezone(datetime.UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M:%S}" if seconds else f"{utc.day} {utc:%b %Y, %H:%M}"


def window(start: datetime.datetime, end: datetime.datetime) -> str:
    """``22 Nov 2026`` for a day, ``2 Nov to 8 Nov 2026`` for days, else with times; in UTC."""
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


def duration(value: datetime.timedelta) -> str:
    """``2 days``: in the largest unit that fits, rounded."""
    seconds = max(value.total_seconds(), 0)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            amount = round(seconds / size)
            return f"{amount} {unit}{'' if amount == 1 else 's'}"
    amount = round(seconds)
    return f"{amount} second{'' if amount == 1 else 's'}"


def ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    """``2 days ago``."""
    return f"{duration(now - moment)} ago"


def short(identifier: object) -> str:
    """The random tail of a UUIDv7, enough to tell two apart on one page."""
    return str(identifier)[-8:]


def sentence(text: str) -> str:
    """With a capital and a full stop; an empty text stays empty."""
    return f"{text[0].upper()}{text[1:]}." if text else ""


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    """A document without one of its entries."""
    return {key: value for key, value in values.items() if key != name}


def plain(value: object) -> str:
    """Without underscores: ``novel_species`` is "novel species"."""
    return str(value).replace("_", " ")


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "signed": signed,
    "count": count,
    "p_value": p_value,
    "p_equals": p_equals,
    "share": share,
    "moment": moment,
    "duration": duration,
    "ago": ago,
    "short": short,
    "plain": plain,
    "without": without,
    "window": window,
    "sentence": sentence,
}
