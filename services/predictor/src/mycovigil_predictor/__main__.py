"""``python -m mycovigil_predictor``: serve until SIGTERM or Ctrl-C, then finish what was taken."""

from typing import TYPE_CHECKING

from mycovigil.settings import Settings

if TYPE_CHECKING:
    import uvicorn

# Beyond the deadline of the last request: time to write its row.
GRACE_SECONDS = 5


def server_of(settings: Settings) -> "uvicorn.Server":
    """A server for the app; ``run(sockets=[…])`` or ``serve()`` starts it."""
    from mycovigil_predictor.app import create_app
    from mycovigil_web import server
    from mycovigil_web.server import ServerOptions

    options = settings.predictor
    return server.server_of(
        create_app(settings),
        ServerOptions(
            host=options.host,
            port=options.port,
            header_seconds=options.header_seconds,
            max_connections=options.max_connections,
            grace_seconds=int(options.deadline_seconds) + GRACE_SECONDS,
            trusted_proxies=settings.web.trusted_proxies,
        ),
    )


def main() -> None:
    # First: a wrong setting is told before the engines and the web framework are imported.
    settings = Settings.load_or_exit()

    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from mycovigil.telemetry import configure_logging
    from mycovigil_web import server

    configure_logging(settings.telemetry, service="predictor")
    threadpool_limits(1)  # the engines are our threads; BLAS pools beside them only spin
    server.run(server_of(settings))


if __name__ == "__main__":
    main()
