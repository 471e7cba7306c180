"""How a service listens: one uvicorn configuration, with bounds and a graceful end."""

import os
import socket
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from mycovigil_web.http_protocol import affordable_connections, bounded

BACKLOG = 2_048
logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how to listen.

    Attributes:
        header_seconds: time for a request's headers; then 400, and closed.
        max_connections: connections at once; the next are answered with 503 and closed.
        grace_seconds: time for running requests after SIGTERM.
        trusted_proxies: addresses or networks whose ``X-Forwarded-For`` and ``-Proto`` count.
    """

    host: str
    port: int
    header_seconds: float
    max_connections: int
    grace_seconds: int
    trusted_proxies: tuple[str, ...] = ()


def server_of(app: ASGIApp, options: ServerOptions) -> uvicorn.Server:
    """A server for ``app``; ``run(sockets=[…])`` or ``serve()`` starts it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=options.host,
            port=options.port,
            http=bounded(options.header_seconds),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            proxy_headers=bool(options.trusted_proxies),
            forwarded_allow_ips=list(options.trusted_proxies),
            limit_concurrency=affordable_connections(options.max_connections) + 1,
            timeout_graceful_shutdown=options.grace_seconds,
        )
    )


def run(server: uvicorn.Server) -> None:
    """Listen, say where, and serve until SIGTERM or Ctrl-C.

    Raises:
        SystemExit: the address is taken or not ours.
    """
    listener = listen(server.config.host, server.config.port)
    host, port = listener.getsockname()[:2]
    logger.info("listening", url=f"http://{host}:{port}", pid=os.getpid())
    server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        SystemExit: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SystemExit(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener
