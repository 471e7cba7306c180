"""API keys: shown once, kept as a hash, refused when unknown, expired or revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil import access
from mycovigil.access import KeyRefused, Scope
from mycovigil.db.key import ApiKey

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def stored(session: Session, presented: str) -> ApiKey | None:
    prefix = access.prefix_of(presented)
    return session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))


def test_a_new_key_is_good_and_its_secret_is_not_kept(session: Session) -> None:
    presented = access.create(session, "app", [Scope.PREDICT])
    key = stored(session, presented)
    assert key is not None
    assert access.check(key, presented, now=NOW).name == "app"
    secret = presented.split("_", 2)[2]
    assert secret.encode() not in key.hash
    assert len(secret) >= 43


@pytest.mark.parametrize(
    "presented",
    [
        "",
        "Bearer",
        "myco_",
        "myco__x",
        "other_a_b",
        f"myco_{12 * '0'}_{42 * 'a'}\0",
        f"myco_{12 * '0'}_{43 * 'a'}\n",
    ],
)
def test_strangers_are_refused(presented: str) -> None:
    with pytest.raises(KeyRefused):
        access.prefix_of(presented)


def test_wrong_secret_revoked_and_expired_are_refused(session: Session) -> None:
    presented = access.create(session, "app", [Scope.READ], expires_at=NOW + timedelta(hours=1))
    key = stored(session, presented)
    with pytest.raises(KeyRefused, match="unknown"):
        access.check(key, presented + "x", now=NOW)
    with pytest.raises(KeyRefused, match="unknown"):
        access.check(None, presented, now=NOW)
    with pytest.raises(KeyRefused, match="expired"):
        access.check(key, presented, now=NOW + timedelta(hours=2))
    assert access.revoke(session, access.prefix_of(presented))
    with pytest.raises(KeyRefused, match="revoked"):
        access.check(key, presented, now=datetime.now(tz=UTC) + timedelta(seconds=1))


def test_revoking_a_stranger_says_no(session: Session) -> None:
    assert not access.revoke(session, "000000000000")
