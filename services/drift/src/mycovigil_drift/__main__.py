"""``python -m mycovigil_drift``: serve until SIGTERM or Ctrl-C."""

from typing import TYPE_CHECKING

from mycovigil.settings import Settings

if TYPE_CHECKING:
    import uvicorn

HEADER_SECONDS = 10.0
MOST_CONNECTIONS = 1_024
GRACE_SECONDS = 20


def server_of(settings: Settings) -> "uvicorn.Server":
    """A server for the app; ``run(sockets=[…])`` or ``serve()`` starts it."""
    from mycovigil_drift.app import create_app
    from mycovigil_web import server
    from mycovigil_web.server import ServerOptions

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
    # First: a wrong setting is told before the web framework and the routes are imported.
    settings = Settings.load_or_exit()

    from mycovigil.telemetry import configure_logging
    from mycovigil_web import server

    configure_logging(settings.telemetry, service="drift")
    server.run(server_of(settings))


if __name__ == "__main__":
    main()
