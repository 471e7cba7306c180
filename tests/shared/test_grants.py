"""The rights of the services' database roles."""

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
from mycovigil.postgres.rights import RIGHTS

# A role belongs to the server, which workers of xdist share.
ROLE = f"Forest predictor {os.environ.get('PYTEST_XDIST_WORKER', '')}".strip()
RIGHTS_OF = text(
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
        found = {(table, right) for table, right in connection.execute(RIGHTS_OF, {"role": role})}
    assert found == {(table, right) for right, table in grants.pairs("predictor")}


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
            grants.grant(session, role, ["predictor"])

    with ThreadPoolExecutor(1) as pool:
        with sessions.begin() as session:
            grants.grant(session, role, ["predictor"])
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
    lines = grants.statements("predictor", "predictor")
    assert "\n".join(f"{line};" for line in lines) in guide.read_text()


# What nobody but the owner of the tables may do, whatever the service.
OF_THE_OWNER = (
    "DROP TABLE silences",
    "ALTER TABLE labels ADD COLUMN mine int",
    "TRUNCATE audit_lines",
    "CREATE TABLE public.mine (id int)",
    "DROP FUNCTION make_day_of_predictions(date)",
    "INSERT INTO api_keys (id) VALUES (gen_random_uuid())",
    "DELETE FROM predictions",
    "DELETE FROM models",
)


@pytest.mark.parametrize("service", RIGHTS)
def test_no_service_may_do_what_the_owner_of_the_tables_may(
    postgres_url: str, role: str, service: str
) -> None:
    assert CliRunner().invoke(app, ["--grant", f"{service}={role}"]).exit_code == 0
    for statement in OF_THE_OWNER:
        with (
            psycopg.connect(postgres_url, user=role) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())


@pytest.mark.parametrize("service", RIGHTS)
def test_only_the_worker_makes_and_drops_days(postgres_url: str, role: str, service: str) -> None:
    assert CliRunner().invoke(app, ["--grant", f"{service}={role}"]).exit_code == 0
    with psycopg.connect(postgres_url, user=role) as connection:
        steps = [b"SELECT make_day_of_predictions('2040-02-29')"]
        steps += [b"SELECT drop_day_of_predictions('2040-02-29')"]
        if service == "worker":
            for step in steps:
                connection.execute(step)
            with pytest.raises(psycopg.errors.UndefinedTable, match="has no day 2040-02-29"):
                connection.execute(steps[1])
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(steps[0])


def test_a_role_of_two_services_has_what_both_need(engine: Engine, role: str) -> None:
    done = CliRunner().invoke(app, ["--grant", f"trainer={role}", "--grant", f"trigger={role}"])
    assert f"{role} has the rights of: trainer, trigger" in done.output
    with engine.connect() as connection:
        found = {(table, right) for table, right in connection.execute(RIGHTS_OF, {"role": role})}
    both = {*grants.pairs("trainer"), *grants.pairs("trigger")}
    assert found == {(table, right) for right, table in both}


@pytest.mark.parametrize("given", ["drift", "drift=", "nobody=x", "=x"])
def test_a_grant_that_names_no_service_or_role_is_one_sentence(role: str, given: str) -> None:
    done = CliRunner().invoke(app, ["--grant", given])
    assert done.exit_code == 1
    assert f"--grant {given}: not SERVICE=ROLE with one of predictor, drift," in done.output
