"""A service on a real server thread, as its process runs it."""

import asyncio
import threading
from collections.abc import Callable

import uvicorn


def served(server: uvicorn.Server) -> tuple[str, Callable[[], None]]:
    """Start a server; its address, and what stops it as SIGTERM does."""
    socket = server.config.bind_socket()
    started = threading.Event()

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        started.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait(20)

    def stop() -> None:
        server.should_exit = True
        thread.join(20)

    host, port = socket.getsockname()
    return f"http://{host}:{port}", stop
