"""A Valkey of a test's own, which may be frozen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from factories.outage import DEADLINE

from mycovigil_local.port import free_port
from mycovigil_local.process import Child
from mycovigil_local.valkey import READY, valkey_command


@contextmanager
def valkey(folder: Path, *options: str) -> Iterator[tuple[str, psutil.Process]]:
    """A server of the test's own, and its process."""
    port = free_port()
    command = [*valkey_command(folder, port, throwaway=True), *options]
    server = Child("valkey", command, os.environ, lambda *_: None, ready=READY)
    server.start()
    server.wait_ready(DEADLINE)
    listening = next(
        one
        for one in psutil.Process().children(recursive=True)
        if str(port) in " ".join(one.cmdline())
    )
    try:
        yield f"redis://127.0.0.1:{port}/0", listening
    finally:
        listening.resume()
        server.stop()
