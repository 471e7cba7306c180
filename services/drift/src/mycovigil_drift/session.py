"""Database sessions of a request. The dependency owns the transaction: it commits, nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings


class ReadSession(Session):
    """A session in a read-only transaction: Postgres itself refuses to write."""


@dataclass(frozen=True, slots=True)
class Database:
    """Factories of read and write sessions on one pool."""

    engine: Engine
    reads: sessionmaker[ReadSession]
    writes: sessionmaker[Session]

    @classmethod
    def of(cls, settings: DatabaseSettings) -> Self:
        """Lazy: nothing connects before the first use."""
        engine = engine_of(settings, seconds=settings.request_seconds)
        read_only = engine.execution_options(postgresql_readonly=True)
        return cls(
            engine=engine,
            reads=sessionmaker(read_only, class_=ReadSession, expire_on_commit=False),
            writes=sessionmaker(engine, expire_on_commit=False),
        )


def database(request: Request) -> Database:
    """The application's database."""
    return request.state.drift.database  # type: ignore[no-any-return]


def read_session(database: Annotated[Database, Depends(database)]) -> Iterator[ReadSession]:
    with database.reads() as session:
        yield session


def write_session(database: Annotated[Database, Depends(database)]) -> Iterator[Session]:
    with database.writes.begin() as session:
        yield session


# Function scope: a commit that fails must fail the request, so it comes before the response.
Reading = Annotated[ReadSession, Depends(read_session, scope="function")]
Writing = Annotated[Session, Depends(write_session, scope="function")]
