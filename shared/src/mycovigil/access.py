"""API keys: 256 random bits, kept as a hash, shown once."""

import datetime
import hashlib
import hmac
import re
import secrets
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from mycovigil.db.key import ApiKey

MARK = "myco"
PREFIX_BYTES = 6
SECRET_BYTES = 32
# 43 characters are SECRET_BYTES in base64.
FORMAT = re.compile(rf"{MARK}_([0-9a-f]{{{2 * PREFIX_BYTES}}})_[A-Za-z0-9_-]{{43}}")


class Scope(StrEnum):
    PREDICT = "predict"
    LABEL = "label"
    READ = "read"
    OPERATE = "operate"


class KeyRefused(PermissionError):
    """A key that is malformed, unknown, expired or revoked; clients may see the message."""


def create(
    session: Session,
    name: str,
    scopes: list[Scope],
    *,
    expires_at: datetime.datetime | None = None,
) -> str:
    """Make a key; the returned ``myco_<prefix>_<secret>`` cannot be shown again."""
    prefix = secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        ApiKey(
            prefix=prefix,
            hash=_hash(secret),
            name=name,
            scopes=[scope.value for scope in scopes],
            expires_at=expires_at,
        )
    )
    return f"{MARK}_{prefix}_{secret}"


def revoke(session: Session, prefix: str) -> bool:
    """Revoke by prefix; false if there is no such key."""
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    if key is None:
        return False
    key.revoked_at = key.revoked_at or datetime.datetime.now(tz=datetime.UTC)
    return True


def prefix_of(presented: str) -> str:
    """The public part of a presented key.

    Raises:
        KeyRefused: it does not have the form of a Mycovigil key.
    """
    found = FORMAT.fullmatch(presented)
    if found is None:
        raise KeyRefused("this is not a Mycovigil API key")
    return found[1]


def check(key: ApiKey | None, presented: str, *, now: datetime.datetime) -> ApiKey:
    """The key row, if ``presented`` is good for it; comparison takes constant time.

    Raises:
        KeyRefused: unknown, expired or revoked.
    """
    secret = presented.split("_", 2)[-1]
    known = key.hash if key is not None else bytes(32)
    if not hmac.compare_digest(known, _hash(secret)) or key is None:
        raise KeyRefused("the API key is unknown")
    if key.revoked_at is not None and key.revoked_at <= now:
        raise KeyRefused("the API key was revoked")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused("the API key has expired")
    return key


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
