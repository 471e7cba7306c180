"""Counts in two forms: a short one every day, a long one by ``make stats``."""

import pytest


def counted(name: str, short: int, long: int) -> pytest.MarkDecorator:
    """Parametrise a test with so many runs; its bound follows them, so that neither form errs more
    often than the other."""
    slow = [pytest.mark.slow, pytest.mark.timeout(0)]
    return pytest.mark.parametrize(
        name, [pytest.param(short, id="short"), pytest.param(long, id="long", marks=slow)]
    )
