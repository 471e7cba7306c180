"""Settings as the environment of a child process."""

import os

from mycovigil.settings import Settings


def environment(settings: Settings, *, port: int, **more: str) -> dict[str, str]:
    """What a predictor process needs to live on the servers of a test."""
    return (
        os.environ
        | {
            "MYCOVIGIL_DATABASE_URL": settings.database.url.get_secret_value(),
            "MYCOVIGIL_REDIS_URL": settings.redis.url.get_secret_value(),
            "MYCOVIGIL_STORAGE_URL": settings.storage.url,
            "MYCOVIGIL_PREDICTOR_PORT": str(port),
            "MYCOVIGIL_PREDICTOR_SPOOL_PATH": str(settings.predictor.spool_path),
        }
        | more
    )
