"""API keys: only a hash is kept, the prefix is for people."""

import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import Mapped, mapped_column

from mycovigil.db.base import Base, CreatedAt, Key, Strings


class ApiKey(Base):
    __tablename__ = "api_keys"

    id: Mapped[Key]
    prefix: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[bytes]
    name: Mapped[str]
    scopes: Mapped[Strings]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
