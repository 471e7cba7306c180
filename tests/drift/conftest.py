"""The real application on a rolled-back transaction, and clients with keys.

Every request runs with the rights of the drift API's database role, and no others.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from factories.key import make_key
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.access import Scope
from mycovigil.postgres import grants
from mycovigil.postgres.engine import sessions_of
from mycovigil.settings import Settings
from mycovigil_drift.access import AccessControl, access_control
from mycovigil_drift.app import create_app
from mycovigil_drift.session import PROBE_SECONDS, Database, ReadSession, database
from mycovigil_web.keys import KeyCache

# A role belongs to the server, which workers of xdist share.
ROLE = f"least_drift_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@pytest.fixture(scope="session")
def role(engine: Engine) -> Iterator[str]:
    """A database role with the rights of the drift API."""
    with sessions_of(engine).begin() as session:
        session.execute(text(f"CREATE ROLE {ROLE}"))
        grants.grant(session, ROLE, ["drift"])
    yield ROLE
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {ROLE}"))
        connection.execute(text(f"DROP ROLE {ROLE}"))


class LeastRights(TestClient):
    """Each request, on the test's own connection, has the rights of ``role``."""

    def __init__(self, app: FastAPI, connection: Connection, role: str, **more: Any) -> None:
        super().__init__(app, **more)
        self._connection, self._role = connection, role

    def request(self, *arguments: Any, **named: Any) -> Any:
        self._connection.exec_driver_sql(f"SET ROLE {self._role}")
        try:
            return super().request(*arguments, **named)
        finally:
            self._connection.exec_driver_sql("RESET ROLE")


@pytest.fixture
def app(settings: Settings, session: Session) -> Iterator[FastAPI]:
    """Requests see what the test's session has flushed, and their commits are savepoints."""
    connection = session.connection()
    reads = sessionmaker(
        connection,
        class_=ReadSession,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )
    writes = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    keys = KeyCache(reads, seconds=PROBE_SECONDS, fresh_seconds=0.0)
    application = create_app(settings)

    def access(request: Request) -> AccessControl:
        control: AccessControl = request.state.access
        return replace(control, keys=keys)

    application.dependency_overrides[access_control] = access
    application.dependency_overrides[database] = lambda: Database(
        engine=connection.engine,
        reads=reads,
        writes=writes,
        probe_engine=connection.engine,
        probes=reads,
    )
    yield application
    keys.close()


@pytest.fixture
def anonymous(app: FastAPI, session: Session, role: str) -> Iterator[TestClient]:
    connection = session.connection()
    with LeastRights(
        app, connection, role, raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient, session: Session) -> TestClient:
    """Holds a key with every scope, named "tester"."""
    anonymous.headers["Authorization"] = f"Bearer {make_key(session)}"
    return anonymous


@pytest.fixture
def reader(anonymous: TestClient, session: Session) -> TestClient:
    """Holds a key that may read and nothing else."""
    anonymous.headers["Authorization"] = f"Bearer {make_key(session, Scope.READ)}"
    return anonymous
