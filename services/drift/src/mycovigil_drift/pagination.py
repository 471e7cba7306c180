"""Cursor (keyset) pagination, newest first: stable while rows arrive, and as cheap on page 100."""

import base64
import binascii
import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from mycovigil.db.base import Base
from mycovigil.problem import Problem

MAX_LIMIT = 200
Item = TypeVar("Item")
Entity = TypeVar("Entity", bound=Base)
Shown = TypeVar("Shown", bound=BaseModel)
Order = tuple[InstrumentedAttribute[datetime.datetime], InstrumentedAttribute[uuid.UUID]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position after a row: its time and, among rows of equal time, its id."""

    at: datetime.datetime
    id: uuid.UUID

    def encode(self) -> str:
        plain = f"{self.at.isoformat()}|{self.id}".encode()
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """The cursor that :meth:`encode` wrote.

        Raises:
            Problem: 422, the text is not a cursor.
        """
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            at, _, identifier = plain.partition("|")
            return cls(_aware(datetime.datetime.fromisoformat(at)), uuid.UUID(identifier))
        except (ValueError, binascii.Error) as error:
            detail = "The cursor is none of ours; start again without one."
            raise Problem(422, "bad-cursor", "The cursor is not valid", detail) from error


class PageQuery(BaseModel):
    """Query parameters of every list."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Items on a page.")
    cursor: str | None = Field(None, description="`next` of the page before.")


class Page(BaseModel, Generic[Item]):
    """Items, newest first; ``next`` is the cursor of the following page, empty on the last."""

    items: list[Item]
    next: str | None


def fetch(
    session: Session, statement: Select[Entity], order: Order, query: PageQuery
) -> tuple[list[Entity], str | None]:
    """One page of ``statement`` by ``order``, descending, and the cursor of the next page."""
    if query.cursor is not None:
        after = Cursor.decode(query.cursor)
        statement = statement.where(tuple_(*order) < tuple_(after.at, after.id))
    ordered = statement.order_by(*(column.desc() for column in order)).limit(query.limit + 1)
    found = list(session.scalars(ordered))
    shown = found[: query.limit]
    if len(found) <= query.limit:
        return shown, None
    at, identifier = (getattr(shown[-1], column.key) for column in order)
    return shown, Cursor(at, identifier).encode()


def shown(out: type[Shown], found: tuple[Sequence[Base], str | None]) -> Page[Shown]:
    """The page document of what :func:`fetch` returned."""
    rows, following = found
    return Page(items=[out.model_validate(row) for row in rows], next=following)


def _aware(moment: datetime.datetime) -> datetime.datetime:
    if moment.tzinfo is None:
        raise ValueError("a cursor's time has a zone")
    return moment
