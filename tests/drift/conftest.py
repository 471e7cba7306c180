"""The real application on a rolled-back transaction, and clients with keys."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from factories.key import make_key
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.access import Scope
from mycovigil.settings import Settings
from mycovigil_drift.access import AccessControl, access_control
from mycovigil_drift.app import create_app
from mycovigil_drift.session import PROBE_SECONDS, Database, ReadSession, database
from mycovigil_web.keys import KeyCache


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
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
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
