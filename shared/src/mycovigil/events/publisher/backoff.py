"""How long a refused event waits, so that a trouble of minutes does not end in the dead letters."""

from mycovigil.settings import PublisherSettings


def before_retry(attempt: int, settings: PublisherSettings) -> int:
    """Seconds from the refusal of delivery number ``attempt`` (from 1) to the next: doubling."""
    return int(min(settings.backoff_min * 2 ** max(attempt - 1, 0), settings.backoff_max))
