"""The declarative base: naming convention, UTC timestamps, UUIDv7 keys, enum-like text."""

import datetime
import uuid
from enum import StrEnum
from typing import Annotated, Any

import uuid_utils.compat
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import CheckConstraint, DateTime, Float, MetaData, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlalchemy.orm import DeclarativeBase, mapped_column


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): sorts by time, and carries its millisecond."""
    return uuid_utils.compat.uuid7()


def instant_of(identifier: uuid.UUID) -> datetime.datetime:
    """The millisecond that a UUIDv7 carries, in UTC."""
    milliseconds = identifier.int >> 80
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)


def first_id_at(moment: datetime.datetime) -> uuid.UUID:
    """The smallest UUID that a UUIDv7 of this instant can be: a border for ranges of ids."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


Key = Annotated[uuid.UUID, mapped_column(primary_key=True, default=new_id)]
Instant = Annotated[datetime.datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[
    datetime.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())
]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
Strings = Annotated[list[str], mapped_column(ARRAY(Text))]
Reals = Annotated[list[float], mapped_column(ARRAY(REAL))]
Real = Annotated[float, mapped_column(REAL)]
Double = Annotated[float, mapped_column(Float(53))]
# ``halfvec`` without a fixed length: `encoders.dimension` states it, so that encoders of other
# dimensions live in one table. 1,198 bytes a row at 512.
Features = Annotated[Any, mapped_column(HALFVEC)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A check that a text column holds a member of ``values``: an enum that migrates easily."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
