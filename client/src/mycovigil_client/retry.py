"""When to try again: one policy for both clients, without any input or output of its own."""

import datetime
import random
from collections.abc import Generator
from email.utils import parsedate_to_datetime

import httpx

from mycovigil_client.answer import PredictionRefused

RETRIED = frozenset({429, 502, 503, 504})
ATTEMPTS = 6
FIRST_PAUSE = 0.25
"""Seconds before the second attempt, doubled each time, unless ``Retry-After`` says otherwise;
up to a half more by chance, so that many clients do not come back at once."""
LONGEST_PAUSE = 60.0

Outcome = httpx.Response | httpx.TransportError
Retries = Generator[float, Outcome, httpx.Response]


def retries() -> Retries:
    """Yields the seconds to wait before each attempt, is sent its outcome, and returns the
    response that was a success.

    Raises:
        PredictionRefused: a problem that retrying does not mend, or the last attempt's.
        httpx.TransportError: the last attempt's.
    """
    outcome = yield 0.0
    for attempt in range(1, ATTEMPTS):
        if not _may_pass(outcome):
            break
        outcome = yield _pause(outcome, attempt)
    if isinstance(outcome, httpx.TransportError):
        raise outcome
    if not outcome.is_success:
        raise _refused(outcome)
    return outcome


def _may_pass(outcome: Outcome) -> bool:
    return isinstance(outcome, httpx.TransportError) or outcome.status_code in RETRIED


def _pause(outcome: Outcome, attempt: int) -> float:
    stated = _stated(outcome) if isinstance(outcome, httpx.Response) else None
    if stated is None:
        return float(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(1.0, 1.5))
    return min(max(stated, 0.0), LONGEST_PAUSE)


def _stated(response: httpx.Response) -> float | None:
    """Seconds of ``Retry-After``: a number or a date (RFC 9110, 10.2.3)."""
    told = response.headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    return (moment - datetime.datetime.now(tz=datetime.UTC)).total_seconds()


def _refused(response: httpx.Response) -> PredictionRefused:
    try:
        problem = response.json()
    except ValueError:
        problem = {"title": response.reason_phrase, "detail": response.text[:200]}
    return PredictionRefused(response.status_code, problem)
