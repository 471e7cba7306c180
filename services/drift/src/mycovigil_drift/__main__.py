"""``python -m mycovigil_drift``: serve until told to stop."""

import socket

import structlog
import uvicorn

from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging
from mycovigil_drift.app import create_app

log = structlog.get_logger(__name__)


def main() -> None:
    settings = Settings.load()
    configure_logging(settings.telemetry, service="drift")
    listener = _listen(settings.drift.host, settings.drift.port)
    host, port = listener.getsockname()[:2]
    log.info("drift API", url=f"http://{host}:{port}", settings=settings.masked())
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


if __name__ == "__main__":
    main()
