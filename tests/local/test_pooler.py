"""PgBouncer in transaction mode is refused by name, in session mode it works."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from factories.outage import until
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from mycovigil.postgres import timeouts
from mycovigil.settings import DatabaseSettings
from mycovigil_local import pooler
from mycovigil_local.commands.doctor import app
from mycovigil_local.port import free_port


@contextmanager
def pgbouncer(
    folder: Path, url: str, mode: str, *, ignoring: str = "options", more: str = ""
) -> Iterator[str]:
    """A real PgBouncer before the database; as the server's user, for it refuses root."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    port, given = free_port(), conninfo_to_dict(url)
    (folder / "users").write_text(f'"{given["user"]}" ""\n')
    host = str(given["host"])
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} port={given.get('port', 5432)} user={given['user']}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"auth_file = {folder / 'users'}\npool_mode = {mode}\n"
        f"ignore_startup_parameters = {ignoring}\n{more}\n"
    )
    owner = Path(host).stat().st_uid or None  # of the server's socket
    if owner is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner, -1)
    process = subprocess.Popen(
        [program, str(folder / "pgbouncer.ini")],
        user=owner,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"postgresql://{given['user']}@127.0.0.1:{port}/{given['dbname']}"
    try:
        until(lambda: _accepts(port))
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://x@127.0.0.1:{port}/x", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "Connection refused" not in str(error)
    return True


def test_transaction_mode_is_refused_by_name(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pgbouncer(tmp_path, postgres_url, "transaction") as address:
        assert "transaction mode" in (pooler.trouble(address) or "")
        monkeypatch.setenv("MYCOVIGIL_DATABASE_URL", address)
        monkeypatch.setenv("COLUMNS", "300")
        done = CliRunner().invoke(app)
    assert done.exit_code == 1
    assert "transaction mode" in done.output


@pytest.mark.parametrize(
    ("mode", "more"), [("transaction", "server_round_robin = 1"), ("statement", "")]
)
def test_servers_in_turn_and_statement_mode_are_found_out(
    tmp_path: Path, postgres_url: str, mode: str, more: str
) -> None:
    with pgbouncer(tmp_path, postgres_url, mode, more=more) as address, ExitStack() as clients:
        if mode == "transaction":  # a pool with several servers, as under traffic
            for _ in range(3):
                client = clients.enter_context(psycopg.connect(address))
                client.execute("SELECT 1")
            clients.close()
        assert "transaction mode" in (pooler.trouble(address) or "")


def test_session_mode_works(tmp_path: Path, postgres_url: str) -> None:
    with pgbouncer(tmp_path, postgres_url, "session") as address:
        assert pooler.trouble(address) is None
        with timeouts.connect(DatabaseSettings(url=address), seconds=5, name="test") as connection:
            connection.execute("LISTEN pooled")
            connection.execute("NOTIFY pooled")
            assert [notice.channel for notice in connection.notifies(timeout=5, stop_after=1)]


def test_a_bouncer_that_refuses_our_options_is_named(tmp_path: Path, postgres_url: str) -> None:
    with pgbouncer(tmp_path, postgres_url, "session", ignoring="extra_float_digits") as address:
        assert "ignore_startup_parameters" in (pooler.trouble(address) or "")


def test_postgres_itself_is_no_trouble(postgres_url: str) -> None:
    assert pooler.trouble(postgres_url) is None
    assert pooler.trouble("postgresql://nobody@127.0.0.1:1/nothing") is None
