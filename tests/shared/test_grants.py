"""The rights of the predictor's database role."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from factories.outage import DEADLINE, until
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from mycovigil.commands.migrate import app
from mycovigil.postgres import grants
from mycovigil.postgres.engine import sessions_of

# A role belongs to the server, which workers of xdist share.
ROLE = f"Forest predictor {os.environ.get('PYTEST_XDIST_WORKER', '')}".strip()
RIGHTS = text(
    "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
    "WHERE grantee = :role"
)


@pytest.fixture
def role(engine: Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", postgres_url)
    monkeypatch.setenv("MYCOVIGIL_DEMO_MODEL", "false")
    with engine.begin() as connection:
        connection.execute(text(f'CREATE ROLE "{ROLE}" LOGIN'))
    yield ROLE
    with engine.begin() as connection:
        connection.execute(text(f'DROP OWNED BY "{ROLE}"'))
        connection.execute(text(f'DROP ROLE "{ROLE}"'))


def test_the_role_has_the_listed_rights_and_no_others(engine: Engine, role: str) -> None:
    with engine.begin() as connection:  # as an earlier version, or a person, may have given them
        connection.execute(text(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"'))
    done = CliRunner().invoke(app, ["--grant-predictor", role])
    assert done.exit_code == 0, done.output
    with engine.connect() as connection:
        found = {(table, right) for table, right in connection.execute(RIGHTS, {"role": role})}
    listed = {(table, right) for table, rights in grants.PREDICTOR.items() for right in rights}
    assert found == listed


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM predictions",
        "UPDATE models SET status = 'production'",
        "CREATE TABLE public.mine (id int)",
        "CREATE TABLE later PARTITION OF predictions FOR VALUES FROM ('2050-01-01') TO "
        "('2050-01-02')",
        "INSERT INTO api_keys (id) VALUES (gen_random_uuid())",
    ],
)
def test_what_a_predictor_may_not_do(postgres_url: str, role: str, statement: str) -> None:
    assert CliRunner().invoke(app, ["--grant-predictor", role]).exit_code == 0
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(postgres_url, user=role) as connection, refused:
        connection.execute(statement.encode())


def test_two_may_grant_at_once(engine: Engine, role: str) -> None:
    """Postgres refuses the second of two who change the rights of one table."""
    sessions = sessions_of(engine)

    def grant() -> None:
        with sessions.begin() as session:
            grants.grant_predictor(session, role)

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            grants.grant_predictor(session, role)
            other = pool.submit(grant)
            until(lambda: other.done() or is_waiting(engine))
        other.result(DEADLINE)


def is_waiting(engine: Engine) -> bool:
    with engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.scalar(text(waiting)))


def test_an_unknown_role_is_one_sentence(role: str) -> None:
    done = CliRunner().invoke(app, ["--grant-predictor", "nobody"])
    assert done.exit_code == 1
    assert "there is no database role nobody" in done.output


def test_a_role_that_owns_tables_is_refused(engine: Engine, role: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE owned (id int)"))
        connection.execute(text(f'ALTER TABLE owned OWNER TO "{role}"'))
    done = CliRunner().invoke(app, ["--grant-predictor", role])
    assert done.exit_code == 1
    assert "owns 1 tables and keeps every right on them" in done.output


def test_the_documentation_has_the_statements() -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "postgres.md"
    assert "\n".join(f"{line};" for line in grants.statements("predictor")) in guide.read_text()
