"""The embedded Postgres comes back when it was killed, with what was committed."""

import os
import signal
from pathlib import Path

import psycopg
from factories.outage import until

from mycovigil_local.postgres import embedded


def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    with embedded(tmp_path / "postgres", lambda _name, line: told.append(line)) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
        pid = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        until(lambda: not server.alive)

        def back() -> bool:
            server.start()
            return server.alive

        until(back)
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT seven FROM kept").fetchone() == (7,)
