"""The retry policy of both clients. It does no input or output."""

import datetime
import random
from collections.abc import Generator
from email.utils import parsedate_to_datetime

import httpx

from mycovigil_client.answer import PredictionRefused

# Status codes after which a later attempt may succeed.
RETRIED = frozenset({429, 502, 503, 504})
ATTEMPTS = 6
# Seconds before the second attempt; doubled each time and lengthened by up to a half at random, so
# that many clients do not return at once. ``Retry-After`` replaces it.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 60.0

Outcome = httpx.Response | httpx.TransportError
Retries = Generator[float, Outcome, httpx.Response]


def retries() -> Retries:
    """Yields the seconds to wait before each attempt and is sent its outcome.

    Returns:
        The first response that was a success.

    Raises:
        PredictionRefused: a problem that retrying does not change, or the last attempt's.
        httpx.TransportError: the last attempt's.
    """
    outcome = yield 0.0
    for attempt in range(1, ATTEMPTS):
        if not _retried(outcome):
            break
        outcome = yield _pause(outcome, attempt)
    if isinstance(outcome, httpx.TransportError):
        raise outcome
    if not outcome.is_success:
        raise _refused(outcome)
    return outcome


def _retried(outcome: Outcome) -> bool:
    return isinstance(outcome, httpx.TransportError) or outcome.status_code in RETRIED


def _pause(outcome: Outcome, attempt: int) -> float:
    stated = _retry_after(outcome) if isinstance(outcome, httpx.Response) else None
    if stated is None:
        return float(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(1.0, 1.5))
    return min(max(stated, 0.0), LONGEST_PAUSE)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of ``Retry-After``: a number or a date (RFC 9110, 10.2.3)."""
    header = response.headers.get("retry-after", "")
    if header.isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (moment - datetime.datetime.now(tz=datetime.UTC)).total_seconds()


def _refused(response: httpx.Response) -> PredictionRefused:
    try:
        problem = response.json()
    except ValueError:
        problem = {"title": response.reason_phrase, "detail": response.text[:200]}
    return PredictionRefused(response.status_code, problem)
