"""A table at the end of ``make chaos``: what was broken, and what came of it."""

from collections.abc import Callable

import pytest

Row = tuple[str, str]
_TABLE = pytest.StashKey[list[Row]]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Add a line about the test's scenario to the table."""

    def add(scenario: str, **figures: object) -> None:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
        request.config.stash.setdefault(_TABLE, []).append((scenario, told))

    return add


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash.get(_TABLE, [])
    if not rows:
        return
    terminalreporter.section("what was survived")
    width = max(len(scenario) for scenario, _ in rows)
    for scenario, told in rows:
        terminalreporter.write_line(f"{scenario:<{width}}  {told}")
