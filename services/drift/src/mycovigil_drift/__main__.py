"""``python -m mycovigil_drift``: serve until SIGTERM or Ctrl-C."""

import uvicorn

from mycovigil.settings import Settings
from mycovigil.telemetry import configure_logging
from mycovigil_drift.app import create_app
from mycovigil_web import server
from mycovigil_web.server import ServerOptions

HEADER_SECONDS = 10.0
MOST_CONNECTIONS = 1_024
GRACE_SECONDS = 20


def server_of(settings: Settings) -> uvicorn.Server:
    """A server for the app; ``run(sockets=[…])`` or ``serve()`` starts it."""
    return server.server_of(
        create_app(settings),
        ServerOptions(
            host=settings.drift.host,
            port=settings.drift.port,
            header_seconds=HEADER_SECONDS,
            max_connections=MOST_CONNECTIONS,
            grace_seconds=GRACE_SECONDS,
            trusted_proxies=settings.web.trusted_proxies,
        ),
    )


def main() -> None:
    settings = Settings.load_or_exit()
    configure_logging(settings.telemetry, service="drift")
    server.run(server_of(settings))


if __name__ == "__main__":
    main()
