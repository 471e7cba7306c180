"""Database sessions of a request. The dependency owns the transaction: it commits, nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings

# Longest wait for health, keys and metrics: their statements take milliseconds.
PROBE_SECONDS = 3.0
PROBE_CONNECTIONS = 2


class ReadSession(Session):
    """A session in a read-only transaction: Postgres itself refuses to write."""


@dataclass(frozen=True, slots=True)
class Database:
    """Factories of sessions: ``reads`` and ``writes`` of requests share a pool.

    ``probes`` read keys, health and metrics. They have a small pool of their own and short time
    limits, so that they are answered while requests wait for a database that hangs.
    """

    engine: Engine
    reads: sessionmaker[ReadSession]
    writes: sessionmaker[Session]
    probe_engine: Engine
    probes: sessionmaker[ReadSession]

    @classmethod
    def of(cls, settings: DatabaseSettings, *, seconds: float) -> Self:
        """Lazy: nothing connects before the first use.

        Args:
            seconds: the longest a request waits for an answer.
        """
        engine = engine_of(settings, seconds=seconds)
        few = settings.model_copy(update={"pool_size": PROBE_CONNECTIONS})
        probing = engine_of(few, seconds=min(PROBE_SECONDS, seconds))
        return cls(
            engine=engine,
            reads=_read_only(engine),
            writes=sessionmaker(engine, expire_on_commit=False),
            probe_engine=probing,
            probes=_read_only(probing),
        )

    def close(self) -> None:
        self.engine.dispose()
        self.probe_engine.dispose()


def _read_only(engine: Engine) -> sessionmaker[ReadSession]:
    options = engine.execution_options(postgresql_readonly=True)
    return sessionmaker(options, class_=ReadSession, expire_on_commit=False)


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
