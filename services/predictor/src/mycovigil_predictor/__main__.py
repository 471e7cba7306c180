"""``python -m mycovigil_predictor``: serve until SIGTERM or Ctrl-C, then finish what was taken."""

import os

import structlog
import uvicorn
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging
from mycovigil_predictor.api.header_limits import affordable_connections, bounded
from mycovigil_predictor.app import create_app

GRACE_SECONDS = 5
BACKLOG = 2_048
logger = structlog.get_logger("mycovigil_predictor")


def server_of(settings: Settings) -> uvicorn.Server:
    """A server for the app; ``run(sockets=[…])`` or ``serve()`` starts it."""
    options = settings.predictor
    config = uvicorn.Config(
        create_app(settings),
        host=options.host,
        port=options.port,
        http=bounded(options.header_seconds),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=affordable_connections(options.max_connections) + 1,
        timeout_graceful_shutdown=int(options.deadline_seconds) + GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def main() -> None:
    settings = Settings.load()
    configure_logging(settings.telemetry, service="predictor")
    threadpool_limits(1)  # the lanes are our threads; BLAS pools beside them only spin
    server = server_of(settings)
    socket = server.config.bind_socket()
    host, port = socket.getsockname()[:2]
    logger.info("listening", url=f"http://{host}:{port}", pid=os.getpid())
    server.run(sockets=[socket])


if __name__ == "__main__":
    main()
