"""Connections as the settings want them."""

import pytest
from sqlalchemy import text

from mycovigil.postgres.engine import engine_of, short_engine_of
from mycovigil.settings import DatabaseSettings


@pytest.mark.parametrize("pooled", [True, False])
def test_sessions_are_in_utc_and_keep_the_options_of_the_url(
    postgres_url: str, pooled: bool
) -> None:
    """A server's own time zone would shift days on pages and months of reference sets."""
    mark = "&" if "?" in postgres_url else "?"
    url = f"{postgres_url}{mark}options=-c%20work_mem%3D5MB"
    engine = engine_of(DatabaseSettings(url=url), pooled=pooled)
    with engine.connect() as connection:
        shown = [connection.scalar(text(f"SHOW {name}")) for name in ("timezone", "work_mem")]
    engine.dispose()
    assert shown == ["UTC", "5MB"]


def test_sessions_of_short_statements_are_in_utc_too(postgres_url: str) -> None:
    engine = short_engine_of(DatabaseSettings(url=postgres_url), seconds=5)
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
    engine.dispose()
