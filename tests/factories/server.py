"""A service on a real server thread, as its process runs it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from factories.outage import DEADLINE


def served(server: uvicorn.Server) -> tuple[str, Callable[[], None]]:
    """Start a server; its address, and what stops it as SIGTERM does."""
    socket = server.config.bind_socket()
    started = threading.Event()
    startup = server.startup

    async def announced(*arguments: Any, **options: Any) -> None:
        try:
            await startup(*arguments, **options)
        finally:
            started.set()

    server.startup = announced  # type: ignore[method-assign]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[socket])))
    thread.start()
    assert started.wait(DEADLINE), "the server did not start"

    def stop() -> None:
        server.should_exit = True
        thread.join(DEADLINE)

    host, port = socket.getsockname()
    return f"http://{host}:{port}", stop
