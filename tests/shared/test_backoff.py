"""Waits before a retry."""

import pytest

from mycovigil.backoff import Backoff


def test_waits_double_to_the_longest() -> None:
    backoff = Backoff(first=0.5, longest=10)
    assert [backoff.limit(n) for n in (0, 1, 2, 3, 5, 6, 10_000)] == [0.5, 0.5, 1, 2, 8, 10, 10]


@pytest.mark.parametrize("attempt", [1, 4, 40])
def test_jitter_spreads_over_the_upper_half(attempt: int) -> None:
    backoff = Backoff(first=1, longest=60)
    waits = [backoff.seconds(attempt) for _ in range(200)]
    assert all(0.5 * backoff.limit(attempt) <= wait <= backoff.limit(attempt) for wait in waits)
    assert len(set(waits)) > 100


def test_the_wait_of_a_message_is_the_same_whoever_asks() -> None:
    backoff = Backoff(first=1, longest=60)
    waits = {backoff.seconds(3, of=b"%d-0" % number) for number in range(200)}
    assert waits == {backoff.seconds(3, of=b"%d-0" % number) for number in range(200)}
    assert len(waits) == 200
    assert all(2 <= wait <= 4 for wait in waits)
    assert backoff.seconds(3, of=b"1-0") != backoff.seconds(4, of=b"1-0") / 2


def test_no_wait_stays_none() -> None:
    assert Backoff(first=0, longest=0).seconds(3) == 0
