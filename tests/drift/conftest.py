"""The real application on a rolled-back transaction, and clients with keys."""

from collections.abc import Iterator

import pytest
from factories.key import make_key
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from mycovigil.access import Scope
from mycovigil.settings import Settings
from mycovigil_drift.app import create_app
from mycovigil_drift.session import Database, ReadSession, database


@pytest.fixture
def app(settings: Settings, session: Session) -> FastAPI:
    """Requests see what the test's session has flushed, and their commits are savepoints."""
    connection = session.connection()
    application = create_app(settings)
    application.dependency_overrides[database] = lambda: Database(
        engine=connection.engine,
        reads=sessionmaker(
            connection,
            class_=ReadSession,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
        ),
        writes=sessionmaker(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ),
    )
    return application


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
